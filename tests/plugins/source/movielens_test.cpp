#include "loading.hpp"

namespace tsrec::test {
namespace {

// The same five ratings of two users and the same movies in each of the three layouts.
struct SmallMovieLens : TempFolder {
  SmallMovieLens() {
    const std::string marks = "|0|0|0|0|0|1|0|0|1|0|0|0|0|0|0|0|0|0|0";  // Comedy, Drama
    const std::string none = "|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0";
    write("100k/u.data", "7\t1\t5\t103\n7\t2\t3\t101\n7\t3\t4\t102\n7\t4\t1\t104\n8\t1\t2\t9\n");
    write("100k/u.item", "1|Les Mis\xE9rables (1995)|01-Jan-1995||http://x" + marks +
                             "\n2|Two (1996)|||" + none + "\n3|\"Three\" \xC9toiles (1997)|||" +
                             marks + "\n4|Four|||" + none + "\n9|Unseen|||" + none + "\n");
    write("1m/ratings.dat",
          "7::1::5::103\r\n7::2::3::101\r\n7::3::4::102\r\n7::4::1::104\r\n8::1::2::9\r\n");
    write("1m/movies.dat",
          "1::Les Mis\xE9rables (1995)::Comedy|Drama\n2::Two (1996)::(no genres listed)\n"
          "3::\"Three\" \xC9toiles (1997)::Comedy|Drama\n4::Four::\n9::Unseen::War\n");
    write("32m/ratings.csv",
          "userId,movieId,rating,timestamp\n7,1,5.0,103\n7,2,3.0,101\n7,3,4.0,102\n7,4,1.0,104\n"
          "8,1,2.0,9\n");
    write("32m/movies.csv",
          "movieId,title,genres\n1,Les Misérables (1995),Comedy|Drama\n"
          "2,Two (1996),(no genres listed)\n3,\"\"\"Three\"\" Étoiles (1997)\",Comedy|Drama\n"
          "4,Four,\n9,Unseen,War\n");
  }
  OptionTexts options(const std::string& name, OptionTexts more = {}) const {
    more.insert({{"folder", (path() / name).string()}, {"k_user", "1"}, {"k_item", "1"}});
    return more;
  }
};

TEST(MovieLens, EveryLayoutGivesTheSame) {
  const SmallMovieLens folder;
  for (const std::string name : {"100k", "1m", "32m"}) {
    SCOPED_TRACE(name);
    const Dataset data = loaded("movielens", folder.options(name));
    EXPECT_EQ(plain_keys(data.items), (std::vector<std::string>{"2", "3", "1", "4"}));
    EXPECT_EQ(plain(data.test, data.items),
              (std::vector<PlainRow>{{0, {"2", "3", "1"}, "4", 104}}));
    EXPECT_EQ(plain(data.train, data.items), (std::vector<PlainRow>{{0, {"2"}, "3", 102}}));
    EXPECT_EQ(data.items.text("title", 2), "Les Misérables (1995)");
    EXPECT_EQ(data.items.text("title", 1), "\"Three\" Étoiles (1997)");
    EXPECT_EQ(data.items.text("categories", 1), "Comedy, Drama");
    EXPECT_EQ(data.items.text("categories", 0), "");
    EXPECT_EQ(data.remarks.contains("lines of 'u.item' read as ISO-8859-1"), name == "100k");
  }
  EXPECT_EQ(loaded("movielens", folder.options("1m"))
                .remarks.at("lines of 'movies.dat' read as ISO-8859-1"),
            2);
}

TEST(MovieLens, RatingsAndCoresAreAskedFor) {
  const SmallMovieLens folder;
  folder.write("100k/u.data", "7\t1\t5\t1\n7\t2\t3\t2\n7\t3\t4\t3\n7\t4\t5\t4\n7\t9\t4\t5\n");
  const Dataset data = loaded("movielens", folder.options("100k", {{"min_rating", "4"}}));
  EXPECT_EQ(plain_keys(data.items), (std::vector<std::string>{"1", "3", "4", "9"}));
  EXPECT_TRUE(contains(
      refusal("movielens", {{"folder", (folder.path() / "100k").string()}}),
      "u.data' has no core of 5 events for each user and 5 for each item: nothing is left of 1 "
      "users, 5 items"));
}

TEST(MovieLens, MistakesNameFolderFileAndLine) {
  const SmallMovieLens folder;
  const auto expect = [&](const std::string& name, const std::string& sentence) {
    const std::string said = refusal("movielens", folder.options(name));
    EXPECT_TRUE(contains(said, sentence)) << said;
  };
  expect("none", "there is no folder");
  folder.write("other/readme.txt", "");
  expect("other",
         "is no folder of MovieLens; expected u.data and u.item (100k), ratings.dat and "
         "movies.dat (1m, 10m), or ratings.csv and movies.csv (20m to 32m), and found "
         "readme.txt");
  folder.write("half/ratings.dat", "");
  expect("half", "holds ratings.dat but no movies.dat; unpack the whole archive there");
  folder.write("1m/ratings.dat", "7::1::5::103\n7::2::3\n");
  expect("1m", "ratings.dat:2: 3 fields; expected 4 with '::' between them");
  folder.write("100k/u.item", "1|Title|\n");
  expect("100k", "u.item:1: 3 fields; expected 24 with '|' between them");
  folder.write("32m/ratings.csv", "userId,movieId,rating\n7,1,5.0\n");
  expect("32m", "ratings.csv has no column 'timestamp'; its columns are userId, movieId, rating");
  folder.write("1m/ratings.dat", "");
  expect("1m", "holds no event that could be used");
}

}  // namespace
}  // namespace tsrec::test
