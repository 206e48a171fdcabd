#include "loading.hpp"

namespace tsrec::test {
namespace {

struct AtomicFolder : TempFolder {
  AtomicFolder() {
    write("shop.inter",
          "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
          "u1\tb\t5\t20.0\nu1\ta\t4\t10\nu1\tc\t3\t30\nu1\td\t2\t40\nu2\ta\t1\t1\n");
    write("shop.item",
          "item_id:token\tname:token\tgenre:token_seq\tprice:float\timage:float_seq\n"
          "a\tBolt &amp; nut\tbig round\t3.5\t0.1 0.2\nb\t\"5\"\" tab\there\"\t\t\t\n"
          "z\tNever\tx\t1\t0\nc\tNut\tx\t2\t1 1\nd\t6\" wire\tx\t2\t\n");
    const std::string header =
        "user_id:token\titem_id_list:token_seq\titem_id:token\ttimestamp:float\n";
    write("rows/split.train.inter", header + "u\ta\tb\t5\nv\tb a b\tc\t6\n");
    write("rows/split.valid.inter", header + "u\ta b\tc\t7\n");
    write("rows/split.test.inter", header + "w\ta b c\td\t8\n");
  }
  OptionTexts options(OptionTexts more = {}) const {
    more.insert({"folder", path().string()});
    return more;
  }
  OptionTexts of_rows(OptionTexts more = {}) const {
    more.insert({{"folder", (path() / "rows").string()}, {"split", "files"}});
    return more;
  }
};

TEST(RecBole, ReadsEventsAndItems) {
  const AtomicFolder folder;
  const Dataset data = loaded("recbole", folder.options());
  EXPECT_EQ(plain_keys(data.items), (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(plain(data.test, data.items), (std::vector<PlainRow>{{0, {"a", "b", "c"}, "d", 40}}));
  EXPECT_EQ(data.items.columns(), (std::vector<std::string>{"genre", "name", "price"}));
  EXPECT_EQ(data.items.text("name", 0), "Bolt & nut");
  EXPECT_EQ(data.items.text("name", 1), "5\" tab\there");
  EXPECT_EQ(data.items.text("name", 3), "6\" wire");
  EXPECT_EQ(data.items.text("genre", 0), "big round");
  const Dataset whole =
      loaded("recbole", folder.options({{"catalogue", "file"}, {"texts", "title=name"}}));
  EXPECT_EQ(plain_keys(whole.items), (std::vector<std::string>{"a", "b", "z", "c", "d"}));
  EXPECT_EQ(whole.items.text("title", 2), "Never");
  std::filesystem::remove(folder.path() / "shop.item");
  EXPECT_EQ(loaded("recbole", folder.options()).items.size(), 4) << "items need no file";
}

TEST(RecBole, RowsMayBeSplitAlready) {
  const AtomicFolder folder;
  Dataset data = loaded("recbole", folder.of_rows({{"max_history", "2"}}));
  EXPECT_EQ(plain_keys(data.items), (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(plain(data.train, data.items),
            (std::vector<PlainRow>{{0, {"a"}, "b", 5}, {1, {"a", "b"}, "c", 6}}));
  EXPECT_EQ(plain(data.valid, data.items), (std::vector<PlainRow>{{0, {"a", "b"}, "c", 7}}));
  EXPECT_EQ(plain(data.test, data.items), (std::vector<PlainRow>{{2, {"b", "c"}, "d", 8}}));
  folder.write("rows/split.item", "item_id:token\ttitle:token\nd\tD\nc\tC\nb\tB\na\tA\n");
  data = loaded("recbole", folder.of_rows());
  EXPECT_EQ(data.items.text("title", 0), "D");
  EXPECT_EQ(plain(data.test, data.items)[0].target, "d");
  // MiniOneRec's own files say no times.
  for (const char* part : {"train", "valid", "test"})
    folder.write(c10::str("rows/split.", part, ".inter"),
                 "user_id:token\titem_id_list:token_seq\titem_id:token\nu\ta\tb\n");
  data = loaded("recbole", folder.of_rows());
  EXPECT_EQ(plain(data.test, data.items), (std::vector<PlainRow>{{0, {"a"}, "b", 2}}));
}

TEST(RecBole, MistakesNameFileAndLine) {
  const AtomicFolder folder;
  const auto expect = [&](const OptionTexts& options, const std::string& sentence) {
    const std::string said = refusal("recbole", options);
    EXPECT_TRUE(contains(said, sentence)) << said;
  };
  expect(
      folder.options({{"split", "files"}}),
      "holds no NAME.train.inter, but NAME.inter of 'shop'; set split = \"leave_one_out\" for it");
  expect({{"folder", (folder.path() / "rows").string()}},
         "holds no NAME.inter, but NAME.train.inter of 'split'; set split = \"files\" for it");
  expect(folder.of_rows({{"k_item", "5"}}), "split = \"files\" takes the rows as they are");
  expect({{"folder", "/nowhere"}}, "there is no folder '/nowhere'");
  expect(folder.options({{"time", "when"}}),
         "shop.inter has no column 'when', which the source's `time` names; its columns are "
         "user_id, item_id, rating, timestamp");
  expect(folder.options({{"texts", "title"}}), "shop.item has no column 'title'");
  folder.write("shap.inter", "");
  expect(folder.options(), "holds 2 data sets, shap, shop; choose one by the source's `dataset`");
  expect(
      folder.options({{"dataset", "sho"}}),
      "holds no NAME.inter of the data set that the source's `dataset` says, 'sho'; did you mean "
      "'shop'?");
  expect(folder.options({{"dataset", "shap"}}), "shap.inter is empty; expected a header line");
  folder.write("shap.inter", "user_id:token\titem_id\nu\ta\n");
  expect(folder.options({{"dataset", "shap"}}),
         "shap.inter:1: the header has 'item_id'; expected NAME:TYPE for each column");
  folder.write("rows/split.item", "item_id:token\na\nb\nc\n");
  expect(
      folder.of_rows(),
      "split.test.inter:2: 'd' is no item; expected one of the 3 in the .item file, such as 'a'");
  folder.write("rows/split.train.inter", "user_id:token\titem_id:token\nu\ta\n");
  expect(folder.of_rows(), "split.train.inter has no column 'item_id_list'");
  folder.write("rows/split.train.inter",
               "user_id:token\titem_id_list:token_seq\titem_id:token\nu\t \ta\n");
  expect(folder.of_rows(), "split.train.inter:2: the history is empty");
}

}  // namespace
}  // namespace tsrec::test
