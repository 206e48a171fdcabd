#include "support/published_files.hpp"

#include "support/support.hpp"
#include "tsrec/parts/source.hpp"

namespace tsrec::test {
namespace {

Dataset load(const std::string& part, const std::filesystem::path& folder,
             OptionTexts options = {}) {
  TestContext context;
  options["folder"] = folder.string();
  return make_part<Source>(part, context, options)->load(context);
}

std::vector<int64_t> to_vector(std::span<const int64_t> values) {
  return {values.begin(), values.end()};
}

TEST(LcRec, ReadsItemsUsersAndSids) {
  const LcRecFolder folder;
  const Dataset data = load("lc_rec", folder.path());
  EXPECT_EQ(data.items.size(), 3);
  EXPECT_EQ(data.items.text("description", 0), "a b's");
  EXPECT_EQ(data.items.text("categories", 1), "c");
  ASSERT_EQ(data.train.size(),
            2);  // user 2: 1 after 2; user 10, too short to be evaluated: 1 after 0
  EXPECT_EQ(data.train.user(0), 2);
  EXPECT_EQ(data.train.target(1), 1);
  ASSERT_EQ(data.test.size(), 1);
  EXPECT_EQ(to_vector(data.test.history(0)), (std::vector<int64_t>{2, 1, 0}));
  EXPECT_EQ(data.valid.target(0), 0);
  ASSERT_TRUE(data.sids);
  EXPECT_EQ(data.sids->text(1), "<a_1><b_2>");
  EXPECT_EQ(data.sids->sizes, (std::vector<int64_t>{2, 3}));
}

TEST(LcRec, MistakesNameFileAndPlace) {
  const auto complaint = [](const std::string& file, const std::string& bytes,
                            const OptionTexts& options = {}) {
    const LcRecFolder folder;
    folder.write(file, bytes);
    return message_of<Error>([&] { load("lc_rec", folder.path(), options); });
  };
  EXPECT_NE(
      complaint("Toy.inter.json", "{\n\"0\": [0, 1,\n}").find("Toy.inter.json:3: malformed JSON"),
      std::string::npos);
  EXPECT_NE(complaint("Toy.inter.json", R"({"4": [0, 3, 1]})")
                .find("user '4': '3' is no item; expected a number from 0 to 2"),
            std::string::npos);
  EXPECT_NE(complaint("Toy.inter.json", R"({"4": [0, 1]})").find("three items"), std::string::npos);
  EXPECT_NE(complaint("Toy.item.json", "{}").find("holds no items"), std::string::npos);
  EXPECT_NE(complaint("Toy.item.json", R"({"5": {"title": "a"}})").find("'5' is no item"),
            std::string::npos);
  EXPECT_NE(
      complaint("Toy.index.json", R"({"0": ["<a_1>"], "1": ["<a_0>"]})").find("item 2 has no SID"),
      std::string::npos);
  EXPECT_NE(complaint("Toy.index.json", R"({"0": ["<b_1>"]})").find("out of order"),
            std::string::npos);
  EXPECT_NE(complaint("Toy.index.json", R"({"0": ["a1"]})").find("'a1' is no SID token"),
            std::string::npos);
  EXPECT_NE(complaint("Two.item.json", "{}").find("2 files that end in .item.json"),
            std::string::npos);
  EXPECT_NE(complaint("x", "", {{"split", "global_time"}}).find("needs times"), std::string::npos);
  EXPECT_NE(message_of<DataError>([] { load("lc_rec", "/nowhere"); }).find("no folder '/nowhere'"),
            std::string::npos);
}

TEST(MiniOneRec, ReadsSplitsAndInfo) {
  const MiniOneRecFolder folder;
  const Dataset data = load("minionerec", folder.path(), {{"max_history", "2"}});
  EXPECT_EQ(data.items.text("title", 1), "nut");
  ASSERT_TRUE(data.sids);
  EXPECT_EQ(data.sids->text(1), "<a_0><b_2>");
  EXPECT_EQ(data.train.target(0), 1);
  EXPECT_EQ(to_vector(data.valid.history(0)), (std::vector<int64_t>{0, 1}));
  EXPECT_EQ(data.test.user(0), data.train.user(0));
  EXPECT_NE(data.valid.user(0), data.train.user(0));
}

TEST(MiniOneRec, MistakesNameFileAndLine) {
  const auto complaint = [](const std::string& row) {
    const MiniOneRecFolder folder;
    folder.write("test/Toy.csv", std::string(MiniOneRecFolder::kHeader) + row);
    return message_of<DataError>([&] { load("minionerec", folder.path()); });
  };
  EXPECT_NE(complaint("A1,x,x,[0],9,x,x\n").find("Toy.csv:2: '9' is no item"), std::string::npos);
  EXPECT_NE(complaint("A1,x,x,[0,1,x,x\n").find("Toy.csv:2"), std::string::npos);
  EXPECT_NE(complaint("A1,x,x,__import__('os'),1,x,x\n").find("Toy.csv:2"), std::string::npos);
  EXPECT_NE(complaint("A1,x,x,[],1,x,x\n").find("history is empty"), std::string::npos);
}

TEST(RealData, CountsAreThePublishedOnes) {
  const std::filesystem::path folder = shared_data();
  if (folder.empty())
    GTEST_SKIP() << "the real data sets are not on this machine (TSREC_TEST_DATA)";
  const Dataset scientific = load("lc_rec", folder / "scientific");
  EXPECT_EQ(scientific.items.size(), 4344);
  EXPECT_EQ(scientific.test.size(), 8317);
  EXPECT_EQ(scientific.train.size(), 33541);
  ASSERT_TRUE(scientific.sids);
  const auto group = scientific.sids->group_N();
  EXPECT_EQ(*std::max_element(group.begin(), group.end()) + 1, 3790);

  const Dataset industrial = load("minionerec", folder / "minionerec-industrial");
  EXPECT_EQ(industrial.items.size(), 3686);
  EXPECT_EQ(industrial.train.size(), 10393);
  EXPECT_EQ(industrial.valid.size(), 4532);
  EXPECT_EQ(industrial.test.size(), 4533);
  ASSERT_TRUE(industrial.sids);
  EXPECT_EQ(token_clusters(*industrial.sids).size(), 560u);
  int64_t repeats = 0;
  for (int64_t row = 0; row < industrial.test.size(); ++row) {
    repeats += industrial.sids->text(industrial.test.target(row)) ==
               industrial.sids->text(industrial.test.history(row).back());
  }
  EXPECT_EQ(repeats, 197);
}

}  // namespace
}  // namespace tsrec::test
