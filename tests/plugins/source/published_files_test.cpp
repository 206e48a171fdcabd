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

SidTable load_sids(const std::string& part, const std::filesystem::path& folder,
                   OptionTexts options = {}) {
  TestContext context;
  options["folder"] = folder.string();
  const auto source = make_part<Source>(part, context, options);
  auto sids = source->sids(source->load(context).items, context);
  EXPECT_TRUE(sids);
  return sids.value_or(SidTable());
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
            2);  // user 10, too short to be evaluated: 1 after 0; user 2: 1 after 2
  EXPECT_EQ(data.train.user(0), 0) << "users are numbered in the order of the file";
  EXPECT_EQ(data.train.target(1), 1);
  ASSERT_EQ(data.test.size(), 1);
  EXPECT_EQ(to_vector(data.test.history(0)), (std::vector<int64_t>{2, 1, 0}));
  EXPECT_EQ(data.valid.target(0), 0);
  const SidTable sids = load_sids("lc_rec", folder.path());
  EXPECT_EQ(sids.text(1), "<a_1><b_2>");
  EXPECT_EQ(sids.sizes, (std::vector<int64_t>{2, 3}));
  EXPECT_TRUE(data.remarks.empty());
}

TEST(LcRec, MistakesNameFileAndPlace) {
  const auto complaint = [](const std::string& file, const std::string& bytes,
                            const OptionTexts& options = {}) {
    const LcRecFolder folder;
    folder.write(file, bytes);
    return message_of<Error>([&] {
      load("lc_rec", folder.path(), options);
      load_sids("lc_rec", folder.path(), options);
    });
  };
  EXPECT_NE(
      complaint("Toy.inter.json", "{\n\"0\": [0, 1,\n}").find("Toy.inter.json:3: malformed JSON"),
      std::string::npos);
  EXPECT_NE(
      complaint("Toy.inter.json", R"({"4": [0, 3, 1]})")
          .find("Toy.inter.json:1: user '4': '3' is no item; expected a key of the catalogue's "
                "3 items, such as '0'"),
      std::string::npos);
  EXPECT_NE(complaint("Toy.inter.json", R"({"4": [0, 1]})").find("three items"), std::string::npos);
  EXPECT_NE(complaint("Toy.item.json", "{}").find("holds no items"), std::string::npos);
  EXPECT_NE(complaint("Toy.item.json", R"({"5": {"title": "a"}})").find("'0' is no item"),
            std::string::npos);
  EXPECT_NE(complaint("Toy.index.json", R"({"0": ["<b_1>"]})").find("out of order"),
            std::string::npos);
  EXPECT_NE(complaint("Toy.index.json", R"({"0": ["a1"]})").find("'a1' is no SID token"),
            std::string::npos);
  EXPECT_NE(
      complaint("Two.item.json", "{}")
          .find("2 files that end in .item.json: Toy.item.json, Two.item.json; choose one by the "
                "source's `dataset`"),
      std::string::npos);
  EXPECT_NE(complaint("x", "", {{"split", "global_time"}}).find("needs times"), std::string::npos);
  EXPECT_NE(message_of<DataError>([] { load("lc_rec", "/nowhere"); }).find("no folder '/nowhere'"),
            std::string::npos);
}

TEST(MiniOneRec, ReadsSplitsAndInfo) {
  const MiniOneRecFolder folder;
  const Dataset data = load("minionerec", folder.path(), {{"max_history", "2"}});
  EXPECT_EQ(data.items.text("title", 1), "nut");
  EXPECT_EQ(load_sids("minionerec", folder.path()).text(1), "<a_0><b_2>");
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

// --- several data sets in one folder

TEST(DataSetsInOneFolder, TheNameChooses) {
  LcRecFolder folder;
  folder.write("Garden.item.json", R"({"0": {"title": "rake"}, "1": {"title": "hose"}})");
  folder.write("Garden.inter.json", R"({"u": [0, 1, 0]})");
  folder.write("Garden.index.json", R"({"0": ["<a_4>"], "1": ["<a_7>"]})");
  const Dataset garden = load("lc_rec", folder.path(), {{"dataset", "Garden"}});
  EXPECT_EQ(garden.items.text("title", 1), "hose");
  EXPECT_EQ(load_sids("lc_rec", folder.path(), {{"dataset", "Garden"}}).text(1), "<a_7>");
  EXPECT_EQ(load("lc_rec", folder.path(), {{"dataset", "Toy"}}).items.size(), 3);
  const std::string wrong = message_of<DataError>([&] {
    load("lc_rec", folder.path(), {{"dataset", "Gardn"}});
  });
  EXPECT_TRUE(contains(wrong, "it holds Garden.index.json, Garden.inter.json, Garden.item.json"))
      << wrong;
  EXPECT_TRUE(contains(wrong, "did you mean 'Garden'?")) << wrong;
}

// As published: a CSV carries the window of its rows in its name.
TEST(DataSetsInOneFolder, TheNameMayHaveAWindowBehindIt) {
  MiniOneRecFolder folder;
  const std::string header = MiniOneRecFolder::kHeader;
  for (const char* split : {"train", "valid", "test"}) {
    folder.write(std::string(split) + "/Toy_Cars_5_2016.csv", header + "B,x,x,[0],0,x,x\n");
    folder.write(std::string(split) + "/.DS_Store", "a file manager's");
  }
  folder.write("info/Toy_Cars_5_2016.txt", "<a_3>\tcar\t0\n");
  folder.write("info/._Toy_Cars_5_2016.txt", "a Mac's");
  EXPECT_EQ(load("minionerec", folder.path(), {{"dataset", "Toy_Cars"}}).items.text("title", 0),
            "car");
  EXPECT_EQ(load("minionerec", folder.path(), {{"dataset", "Toy"}}).items.text("title", 0), "bolt")
      << "Toy_Cars is another data set";
  EXPECT_TRUE(contains(message_of<DataError>([&] { load("minionerec", folder.path()); }),
                       "Toy.txt, Toy_Cars_5_2016.txt; choose one by the source's `dataset`"));
}

TEST(DataSetsInOneFolder, FilesWhoseNamesBeginWithADotAreNotThere) {
  LcRecFolder folder;
  folder.write("._Toy.item.json", "not JSON");
  folder.write("._Toy.index.json", "not JSON");
  folder.write(".Toy.inter.json", "not JSON");
  EXPECT_EQ(load("lc_rec", folder.path()).items.size(), 3);
  EXPECT_EQ(load_sids("lc_rec", folder.path()).num_items(), 3);
}

TEST(DataSetsInOneFolder, WhatThereIsIsListed) {
  const TempFolder folder;
  folder.write("readme.txt", "");
  EXPECT_TRUE(contains(message_of<DataError>([&] { load("lc_rec", folder.path()); }),
                       "holds no file that ends in .item.json; it holds readme.txt"));
}

TEST(DataSetsInOneFolder, TwoIndexesAreChosenFromByTheOption) {
  LcRecFolder folder;
  folder.write("Toy.other.index.json", R"({"0": ["<a_0>"], "1": ["<a_1>"], "2": ["<a_2>"]})");
  EXPECT_TRUE(contains(message_of<DataError>([&] { load_sids("lc_rec", folder.path()); }),
                       "choose one by the source's `index`"));
  EXPECT_EQ(load_sids("lc_rec", folder.path(), {{"index", "Toy.other.index.json"}}).text(2),
            "<a_2>");
}

// --- SIDs

TEST(ShippedSids, AreNotReadWithTheData) {
  LcRecFolder folder;
  folder.write("Toy.index.json", "not JSON");
  EXPECT_EQ(load("lc_rec", folder.path()).items.size(), 3);
  std::filesystem::remove(folder.path() / "Toy.index.json");
  TestContext context;
  const auto source = make_part<Source>("lc_rec", context, {{"folder", folder.path().string()}});
  EXPECT_FALSE(source->sids(source->load(context).items, context));

  MiniOneRecFolder csv;
  csv.write("index/Toy.item.json", R"({"0": {"title": "a"}, "1": {"title": "b"}})");
  EXPECT_EQ(load("minionerec", csv.path()).items.text("title", 1), "b");
  EXPECT_EQ(load_sids("minionerec", csv.path()).text(1), "<a_0><b_2>")
      << "those of info/, where there is no index.json";
  csv.write("info/Toy.txt", "<a_0>\tbolt\t0\n");
  EXPECT_TRUE(contains(message_of<DataError>([&] { load_sids("minionerec", csv.path()); }),
                       "has no SID for 1 of 2 items, the first is '1'"));
  std::filesystem::remove_all(csv.path() / "info");
  EXPECT_EQ(load("minionerec", csv.path()).items.size(), 2);
}

TEST(ShippedSids, AreReadAsTheFormatSpellsThem) {
  LcRecFolder folder;
  folder.write("Toy.index.json", R"({"0": ["<|b|>", "<s_a_1>", "<s_b_7>", "<|e|>"],
      "1": "<|b|><s_a_1><s_b_2><|e|>", "2": ["<|b|>", "<s_a_0>", "<s_b_0>", "<|e|>"]})");
  const OptionTexts options = {{"sid_format", "<|b|> <s_{level:a}_{code}> <|e|>"}};
  const SidTable sids = load_sids("lc_rec", folder.path(), options);
  EXPECT_EQ(sids.text(0), "<s_a_1><s_b_7>");
  EXPECT_EQ(sids.text(1), "<s_a_1><s_b_2>");
  EXPECT_EQ(token_clusters(sids)[0].token, "<s_a_0>");
  EXPECT_TRUE(contains(message_of<DataError>([&] { load_sids("lc_rec", folder.path()); }),
                       "Toy.index.json:1: item '0': '<|b|>' is no SID token; expected one such as "
                       "<a_236>"));
  EXPECT_TRUE(contains(message_of<Error>([&] {
                         load_sids("lc_rec", folder.path(), {{"sid_format", "<{code}>"}});
                       }),
                       "needs a token with {level:a} and {code}"));

  MiniOneRecFolder csv;
  csv.write("info/Toy.txt", "a1b2;\tbolt\t0\na1b30;\tnut\t1\n");
  EXPECT_EQ(load_sids("minionerec", csv.path(), {{"sid_format", "{level:a}{code} ;"}}).text(1),
            "a1b30");
}

TEST(ShippedSids, MayHaveSeveralLengths) {
  LcRecFolder folder;
  folder.write("Toy.index.json",
               R"({"0": ["<a_1>", "<b_0>", "<c_5>"], "1": ["<a_1>", "<b_2>"], "2": ["<a_0>"]})");
  const SidTable sids = load_sids("lc_rec", folder.path());
  EXPECT_EQ(sids.sizes, (std::vector<int64_t>{2, 3, 6}));
  EXPECT_EQ(sids.text(2), "<a_0>");
  EXPECT_EQ(sids.code_NL[1][2].item<int64_t>(), -1);
}

TEST(ShippedSids, MistakesNameFileAndItem) {
  const auto complaint = [](const std::string& bytes) {
    const LcRecFolder folder;
    folder.write("Toy.index.json", bytes);
    return message_of<DataError>([&] { load_sids("lc_rec", folder.path()); });
  };
  const auto expect = [&](const std::string& bytes, const std::string& sentence) {
    const std::string said = complaint(bytes);
    EXPECT_TRUE(contains(said, "Toy.index.json")) << said;
    EXPECT_TRUE(contains(said, sentence)) << said;
  };
  expect(R"({"0": ["<a_1>"], "1": ["<a_0>"]})", "has no SID for 1 of 3 items, the first is '2'");
  expect("{\"0\": [\"<a_1>\"],\n\"0\": [\"<a_2>\"]}", ":2: item '0' has a second SID");
  expect(R"({"0": ["<a_1>"], "1": ["<a_0>", "<b_3>"], "2": ["<a_0>"]})",
         "the SID of item '2' is the beginning of that of item '1'");
  expect(R"({"0": ["<a_1>", "<b_1>", "<b_2>"]})", ":1: item '0': the token <b_2> is out of order");
  expect(R"({"0": ["<a_1000000>"]})", "item '0': the code 1000000 of level 1 is out of range");
  expect(R"({"0": ["<a_-1>"]})", "item '0': '<a_-1>' is no SID token");
  expect(R"({"0": [3, 4]})", "item '0': '3' is no SID token");
  expect(R"({"0": []})", "item '0': a SID has no tokens of levels");
  expect(R"({"0": {"a": 1}})", "the SID of item '0' is no list of tokens");
  expect(R"({"3": ["<a_1>"]})", ":1: '3' is no item");

  MiniOneRecFolder csv;
  csv.write("info/Toy.txt", "<a_0><b_1>\tbolt\t0\n<a_0><c_2>\tnut\t1\n");
  EXPECT_TRUE(contains(message_of<DataError>([&] { load_sids("minionerec", csv.path()); }),
                       "Toy.txt:2: item '1': the token <c_2> is out of order"));
}

// --- JSON as people have it

TEST(ItemFiles, WhatPythonCallsNoNumberIsMissing) {
  LcRecFolder folder;
  folder.write("Toy.item.json", R"({"0": {"title": NaN, "brand": Infinity, "description": "d"},
      "1": {"title": "nut", "brand": null}, "2": {"title": "NaN", "brand": None, "price": NaN}})");
  const Dataset data = load("lc_rec", folder.path());
  EXPECT_EQ(data.items.text("title", 0), "");
  EXPECT_EQ(data.items.text("title", 2), "NaN");
  for (int64_t item = 0; item < 3; ++item) EXPECT_EQ(data.items.text("brand", item), "");
  EXPECT_EQ(data.remarks,
            (std::map<std::string, int64_t>{{"values NaN, infinite or null, read as missing", 4}}));
}

TEST(ItemFiles, HalfACharacterIsReplacedAndCounted) {
  LcRecFolder folder;
  folder.write("Toy.item.json",
               R"({"0": {"title": "lamp \ud83d"}, "1": {"title": "\ud83d\ude00"}, "2": {}})");
  const Dataset data = load("lc_rec", folder.path());
  EXPECT_EQ(data.items.text("title", 0), "lamp \uFFFD");
  EXPECT_EQ(data.items.text("title", 1), "\U0001F600");
  EXPECT_EQ(data.remarks, (std::map<std::string, int64_t>{
                              {"halves of characters (surrogates), replaced by U+FFFD", 1}}));
}

TEST(ItemFiles, RecordsComeInLinesOrLists) {
  const auto titles = [](const std::string& bytes) {
    LcRecFolder folder;
    folder.write("Toy.item.json", bytes);
    const Dataset data = load("lc_rec", folder.path());
    std::vector<std::string> all;
    for (int64_t item = 0; item < data.items.size(); ++item)
      all.push_back(data.items.key(item) + "=" + std::string(data.items.text("title", item)));
    return all;
  };
  const std::vector<std::string> expected = {"0=a", "1=b", "2=c"};
  EXPECT_EQ(titles("{\"item\": 0, \"title\": \"a\"}\n{\"item\": 1, \"title\": \"b\"}\n"
                   "{\"item\": 2, \"title\": \"c\"}\n"),
            expected);
  EXPECT_EQ(titles(R"({"item_id": "2", "title": "c"} {"item_id": "0", "title": "a"}
                      {"item_id": "1", "title": "b"})"),
            expected);
  EXPECT_EQ(
      titles(R"([{"id": 0, "title": "a"}, {"id": 1, "title": "b"}, {"id": 2, "title": "c"}])"),
      expected);
  EXPECT_EQ(titles("{\"0\": {\"title\": \"a\"}}\n{\"1\": {\"title\": \"b\"},\n"
                   " \"2\": {\"title\": \"c\"}}"),
            expected);

  const auto complaint = [&](const std::string& bytes) {
    return message_of<DataError>([&] { titles(bytes); });
  };
  EXPECT_TRUE(contains(complaint("{\"item\": 0, \"title\": \"a\"}\n{\"item\": 0}\n"),
                       "Toy.item.json:2: item '0' was listed in line 1 already"));
  EXPECT_TRUE(contains(complaint("{\"title\": \"a\"}\n{\"title\": \"b\"}\n"),
                       "Toy.item.json:1: the entry 'title' is no object; expected"));
  EXPECT_TRUE(contains(complaint("{\"item\": 0}\n{\"item\": 1\n{\"item\": 2}\n"),
                       "Toy.item.json:3: malformed JSON: expected ',', found '{'"));
  EXPECT_TRUE(contains(complaint("{\"0\": {\"title\": \"caf\xE9\"}}"), "a byte is no UTF-8"));
  EXPECT_TRUE(contains(complaint(" \n"), "is empty"));
}

TEST(ItemFiles, KeysAndUsersAreAnyText) {
  LcRecFolder folder;
  folder.write("Toy.item.json", R"({"B00X": {"title": "x"}, "7": {"title": "s"},
                                    "A key, with blanks": {"title": "k"}})");
  folder.write("Toy.inter.json", R"({"zoë": ["B00X", 7, "A key, with blanks"],
                                     "-1": ["7", "B00X", "7"], "9999999999999999999999": [7]})");
  folder.write("Toy.index.json",
               R"({"7": ["<a_1>"], "A key, with blanks": ["<a_2>"], "B00X": ["<a_0>"]})");
  const Dataset data = load("lc_rec", folder.path());
  EXPECT_EQ(data.items.key(0), "B00X");
  EXPECT_EQ(data.items.find("A key, with blanks"), std::optional<int64_t>(2));
  ASSERT_EQ(data.test.size(), 2);
  EXPECT_EQ(data.test.user(0), 0);
  EXPECT_EQ(data.test.target(0), 2);
  EXPECT_EQ(data.test.user(1), 1);
  EXPECT_EQ(to_vector(data.test.history(1)), (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(load_sids("lc_rec", folder.path()).text(2), "<a_2>");
  folder.write("Toy.inter.json", "{\"a\": [7, 7, 7],\n \"a\": [7]}");
  EXPECT_TRUE(contains(message_of<DataError>([&] { load("lc_rec", folder.path()); }),
                       "Toy.inter.json:2: user 'a' was listed in line 1 already"));

  MiniOneRecFolder csv;
  csv.write("info/Toy.txt", "<a_0>\tx\tB00X\n<a_1>\ty\tB00Y\n");
  for (const char* split : {"train", "valid", "test"})
    csv.write(std::string(split) + "/Toy.csv",
              std::string(MiniOneRecFolder::kHeader) + "\"user, one\",x,x,['B00Y'],B00X,x,x\n");
  const Dataset rows = load("minionerec", csv.path());
  EXPECT_EQ(rows.test.target(0), 0);
  EXPECT_EQ(to_vector(rows.test.history(0)), (std::vector<int64_t>{1}));
}

TEST(ItemFiles, NumbersDecideTheOrderWhereTheyAreAllThere) {
  LcRecFolder folder;
  folder.write("Toy.item.json",
               R"({"2": {"title": "c"}, "0": {"title": "a"}, "1": {"title": "b"}})");
  const Dataset data = load("lc_rec", folder.path());
  EXPECT_EQ(data.items.text("title", 0), "a");
  EXPECT_EQ(data.items.text("title", 2), "c");
}

TEST(ItemFiles, HtmlGoesAndIsCounted) {
  LcRecFolder folder;
  folder.write("Toy.item.json", R"({"0": {"title": "red &amp; hammer 6&quot;",
      "description": "['<p>one</p>', '<br>two']"}, "1": {"title": "a < b", "brand": "AT&T"},
      "2": {"title": "plain", "categories": ["x&nbsp;y", null, ["z", 3]]}})");
  const Dataset data = load("lc_rec", folder.path());
  EXPECT_EQ(data.items.text("title", 0), "red & hammer 6\"");
  EXPECT_EQ(data.items.text("description", 0), "one two");
  EXPECT_EQ(data.items.text("title", 1), "a < b");
  EXPECT_EQ(data.items.text("brand", 1), "AT&T");
  EXPECT_EQ(data.items.text("categories", 2), "x y z 3");
  EXPECT_EQ(data.remarks,
            (std::map<std::string, int64_t>{{"texts of 'title' cleaned of HTML", 1},
                                            {"texts of 'description' cleaned of HTML", 1},
                                            {"texts of 'categories' cleaned of HTML", 1}}));
  const Dataset raw = load("lc_rec", folder.path(), {{"clean", "none"}});
  EXPECT_EQ(raw.items.text("title", 0), "red &amp; hammer 6&quot;");
  EXPECT_TRUE(raw.remarks.empty());

  MiniOneRecFolder csv;
  csv.write("info/Toy.txt", "<a_0>\t3&frac12; bolt\t0\n<a_1>\t<b>nut</b>\t1\n");
  const Dataset rows = load("minionerec", csv.path());
  EXPECT_EQ(rows.items.text("title", 0), "3½ bolt");
  EXPECT_EQ(rows.remarks.at("texts of 'title' cleaned of HTML"), 2);
}

TEST(RealData, CountsAreThePublishedOnes) {
  const std::filesystem::path folder = shared_data();
  if (folder.empty())
    GTEST_SKIP() << "the real data sets are not on this machine (TSREC_TEST_DATA)";
  const Dataset scientific = load("lc_rec", folder / "scientific");
  EXPECT_EQ(scientific.items.size(), 4344);
  EXPECT_EQ(scientific.test.size(), 8317);
  EXPECT_EQ(scientific.train.size(), 33541);
  const auto group = load_sids("lc_rec", folder / "scientific").group_N();
  EXPECT_EQ(*std::max_element(group.begin(), group.end()) + 1, 3790);

  const Dataset industrial = load("minionerec", folder / "minionerec-industrial");
  EXPECT_EQ(industrial.items.size(), 3686);
  EXPECT_EQ(industrial.train.size(), 10393);
  EXPECT_EQ(industrial.valid.size(), 4532);
  EXPECT_EQ(industrial.test.size(), 4533);
  const SidTable sids = load_sids("minionerec", folder / "minionerec-industrial");
  EXPECT_EQ(token_clusters(sids).size(), 560u);
  int64_t repeats = 0;
  for (int64_t row = 0; row < industrial.test.size(); ++row) {
    repeats +=
        sids.text(industrial.test.target(row)) == sids.text(industrial.test.history(row).back());
  }
  EXPECT_EQ(repeats, 197);
}

}  // namespace
}  // namespace tsrec::test
