#include "loading.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::test {
namespace {

// Two users who review five products each, in the words of 2018 and of 2023.
struct ReviewsFolder : TempFolder {
  ReviewsFolder() {
    std::string reviews_2018, reviews_2023;
    int64_t day = 1480550400;  // 2016-12-01
    for (const std::string user : {"A1", "A2"}) {
      for (const std::string item : {"B1", "B2", "B3", "B4", "B5"}) {
        day += 86400;
        reviews_2018 +=
            c10::str(R"({"overall": 5.0, "verified": true, "reviewerID": ")", user,
                     R"(", "asin": ")", item, R"(", "unixReviewTime": )", day,
                     R"(, "reviewText": "a \ud83d \"quoted\" text", "vote": NaN})", "\n");
        reviews_2023 +=
            c10::str(R"({"rating": 4.0, "title": "fine", "text": "x", "images": [{"a": 1}], )",
                     R"("asin": "V", "parent_asin": ")", item, R"(", "user_id": ")", user,
                     R"(", "timestamp": )", day, R"(123, "helpful_vote": 0})", "\n");
      }
    }
    write("Toy.json", reviews_2018);
    write("Toy.jsonl", reviews_2023);
    write("meta_Toy.json",
          R"({"category": ["Tools", "Saws &amp; bits"], "description": ["<p>One</p>", "", "two"],)"
          R"( "title": "Saw &amp; file", "brand": "Acme", "asin": "B1", "feature": ["sharp"]})"
          "\n"
          R"({"title": "Half \ud83d", "asin": "B2", "description": NaN})"
          "\n"
          R"({"title": "Nut", "asin": "B3"})"
          "\n"
          R"({"title": "Wire", "asin": "B4"})"
          "\n"
          R"({"title": "Clamp", "asin": "B5"})"
          "\n"
          R"({"title": "Wire, again", "asin": "B4"})"
          "\n"
          R"({"title": "Unseen", "asin": "B9"})"
          "\n");
    write("meta_Toy.jsonl",
          R"({"main_category": "Tools", "title": "Saw", "features": ["sharp", "light"],)"
          R"( "description": ["One", "two"], "price": null, "store": "Acme",)"
          R"( "categories": ["Tools", "Saws"], "details": {"title": "no"}, "parent_asin": "B1"})"
          "\n"
          R"({"title": "Bit", "parent_asin": "B2", "store": null})"
          "\n"
          R"({"title": "Nut", "parent_asin": "B3"})"
          "\n"
          R"({"title": "Wire", "parent_asin": "B4"})"
          "\n"
          R"({"title": "Clamp", "parent_asin": "B5"})"
          "\n");
  }
  OptionTexts of(const std::string& ending, OptionTexts more = {}) const {
    more.insert({{"reviews", (path() / ("Toy" + ending)).string()},
                 {"products", (path() / ("meta_Toy" + ending)).string()},
                 {"k_user", "2"},
                 {"k_item", "2"}});
    return more;
  }
  void give_titles(const std::vector<std::string>& titles) const {
    std::string products;
    for (size_t i = 0; i < titles.size(); ++i)
      products += c10::str(R"({"asin": "B)", i + 1, R"(", "title": ")", titles[i], "\"}\n");
    write("meta_Toy.json", products);
  }
};

TEST(AmazonReviews, BothYearsAreRead) {
  const ReviewsFolder folder;
  for (const std::string ending : {".json", ".jsonl"}) {
    SCOPED_TRACE(ending);
    const Dataset data = loaded("amazon_reviews", folder.of(ending));
    EXPECT_EQ(plain_keys(data.items), (std::vector<std::string>{"B1", "B2", "B3", "B4", "B5"}));
    const std::vector<PlainRow> test = plain(data.test, data.items);
    ASSERT_EQ(test.size(), 2u);
    EXPECT_EQ(test[0], (PlainRow{0, {"B1", "B2", "B3", "B4"}, "B5", 1480550400 + 5 * 86400}));
    EXPECT_EQ(test[1].time, 1480550400 + 10 * 86400);
    EXPECT_EQ(data.items.text("brand", 0), "Acme");
    EXPECT_EQ(data.items.text("description", 0), "One two");
  }
  const Dataset old = loaded("amazon_reviews", folder.of(".json"));
  EXPECT_EQ(old.items.text("title", 0), "Saw & file");
  EXPECT_EQ(old.items.text("title", 1), "Half \uFFFD");
  EXPECT_EQ(old.items.text("title", 3), "Wire") << "the first entry counts";
  EXPECT_EQ(old.items.text("categories", 0), "Tools, Saws & bits");
  EXPECT_EQ(old.items.text("features", 0), "sharp");
  EXPECT_EQ(old.items.text("description", 1), "");
  EXPECT_EQ(old.remarks, (std::map<std::string, int64_t>{
                             {"halves of characters (surrogates), replaced by U+FFFD", 1},
                             {"texts of 'title' cleaned of HTML", 1},
                             {"texts of 'description' cleaned of HTML", 1},
                             {"texts of 'categories' cleaned of HTML", 1},
                             {"values NaN, infinite or null, read as missing", 1},
                             {"further entries of an item, of which the first counts", 1}}));
  const Dataset fresh = loaded("amazon_reviews", folder.of(".jsonl"));
  EXPECT_EQ(fresh.items.text("title", 0), "Saw");
  EXPECT_EQ(fresh.items.text("categories", 0), "Tools, Saws");
  EXPECT_EQ(fresh.items.text("features", 0), "sharp light");
}

TEST(AmazonReviews, CompressedFilesGiveTheSame) {
  const ReviewsFolder folder;
  const Dataset before = loaded("amazon_reviews", folder.of(".json"));
  for (const char* name : {"Toy.json", "meta_Toy.json"})
    ASSERT_EQ(std::system(("gzip " + (folder.path() / name).string()).c_str()), 0);
  const Dataset data = loaded("amazon_reviews", folder.of(".json.gz"));
  EXPECT_EQ(plain(data.train, data.items), plain(before.train, before.items));
  EXPECT_EQ(data.items.text("title", 0), "Saw & file");
}

TEST(AmazonReviews, TitlesDecideWhatCounts) {
  const ReviewsFolder folder;
  const auto keys = [&](const std::string& titles) {
    return plain_keys(loaded("amazon_reviews", folder.of(".json", {{"titles", titles}})).items);
  };
  const std::string twenty = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20";
  using Keys = std::vector<std::string>;
  folder.give_titles({"ok", twenty, "two", "third", "fourth"});
  EXPECT_EQ(keys("minionerec"), (Keys{"B1", "B2", "B3", "B4", "B5"}));
  const std::vector<std::string> refused = {twenty + " 21",   " x ",           "&quot;y&quot;",
                                            "ab <span id=z>", "a  b" + twenty, ""};
  for (const std::string& title : refused) {
    folder.give_titles({"ok", title, "two", "third", "fourth"});
    EXPECT_EQ(keys("minionerec"), (Keys{"B1", "B3", "B4", "B5"})) << title;
    EXPECT_EQ(keys("any").size(), title.empty() ? 4u : 5u) << title;
    EXPECT_EQ(keys("all").size(), 5u);
  }
  folder.give_titles({"ok", "é&amp;", "two", "third"});
  EXPECT_EQ(keys("minionerec"), (Keys{"B1", "B2", "B3", "B4"})) << "no product, no title";
  const Dataset data = loaded("amazon_reviews", folder.of(".json"));
  EXPECT_EQ(data.remarks.at("events of items without an admissible title, left out"), 2);
  EXPECT_EQ(keys("all").size(), 5u);
}

TEST(AmazonReviews, TheCoreIsThatOfWhatTheWindowAndTheTitlesLeave) {
  const ReviewsFolder folder;
  const Dataset data =
      loaded("amazon_reviews", folder.of(".json", {{"since", "2016-12-03"}, {"k_item", "2"}}));
  // A1's review of B1 lies before the window, so B1 has one review left and goes; both users
  // keep 4.
  EXPECT_EQ(plain_keys(data.items), (std::vector<std::string>{"B2", "B3", "B4", "B5"}));
  EXPECT_EQ(data.remarks.at("events outside of the time window, left out"), 1);
  EXPECT_EQ(data.remarks.at("events outside of the k-core, left out"), 1);
}

TEST(AmazonReviews, MistakesNameFileAndLine) {
  const ReviewsFolder folder;
  const auto expect = [&](const std::string& sentence, const OptionTexts& options) {
    const std::string said = refusal("amazon_reviews", options);
    EXPECT_TRUE(contains(said, sentence)) << said;
  };
  OptionTexts swapped = folder.of(".json");
  std::swap(swapped.at("reviews"), swapped.at("products"));
  swapped["titles"] = "all";
  expect("meta_Toy.json:1: this is no review; expected reviewerID, asin and unixReviewTime (2018)",
         swapped);
  const std::string reviews = io::read_text(folder.path() / "Toy.json");
  folder.write("Toy.json", reviews.substr(0, reviews.size() - 20));
  expect("Toy.json:10: malformed JSON: ", folder.of(".json"));
  expect("expected one record a line, so repair the line or fetch the file again",
         folder.of(".json"));
  folder.write("Toy.json", reviews + "\n\n[1, 2]\n");
  expect("Toy.json:13: expected a record", folder.of(".json"));
  folder.write("Toy.json", "");
  expect("is empty; expected a review a line", folder.of(".json"));
  folder.write("meta_Toy.json", "{\"name\": \"x\"}\n");
  expect("meta_Toy.json:1: this is no product; expected asin (2018) or parent_asin (2023)",
         folder.of(".json"));
  folder.write("meta_Toy.json", "{\"asin\": \"B1\"}\n");
  expect("holds no product with an admissible title among 1; set titles = \"all\"",
         folder.of(".json"));
  folder.write("meta_Toy.json", "version https://git-lfs.github.com/spec/v1\n");
  expect("run 'git lfs pull'", folder.of(".json"));
}

}  // namespace
}  // namespace tsrec::test
