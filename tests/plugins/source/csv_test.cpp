#include "loading.hpp"

namespace tsrec::test {
namespace {

// Four events of each of two users; the file spells things as somebody's program does.
struct ShopFolder : TempFolder {
  ShopFolder() {
    write("buys.csv",
          "when,who,what,stars\n"
          "1500000030,Zoë,k 2,5\n1500000010,Zoë,k1,4\n1500000020,Zoë,k3,1\n1500000040,Zoë,k4,2\n"
          "1500000001,\"Smith, Jo\",k1,3\n1500000002,\"Smith, Jo\",k3,5\n"
          "1500000003,\"Smith, Jo\",k4,5\n1500000004,\"Smith, Jo\",k 2,5\n");
    write("things.csv",
          "code,name,about,price\n"
          "k1,\"Bolt, \"\"big\"\"\",\"two\nlines\",3\nk 2,Nut &amp; co,<b>nut</b>,NaN\n"
          "k3,Wire,,4.5\nk9,Never bought,x,1\nk3,Wire again,,\n");
  }
  OptionTexts options(OptionTexts more = {}) const {
    more.insert({{"file", (path() / "buys.csv").string()},
                 {"user", "who"},
                 {"item", "what"},
                 {"time", "when"}});
    return more;
  }
  OptionTexts with_things(OptionTexts more = {}) const {
    more.insert({{"items", (path() / "things.csv").string()}, {"item_key", "code"}});
    return options(more);
  }
};

TEST(CsvSource, ColumnsHaveAnyNames) {
  const ShopFolder folder;
  const Dataset data =
      loaded("csv", folder.with_things({{"texts", "title=name description=about price"}}));
  EXPECT_EQ(plain_keys(data.items), (std::vector<std::string>{"k1", "k3", "k 2", "k4"}));
  EXPECT_EQ(data.items.columns(), (std::vector<std::string>{"description", "price", "title"}));
  EXPECT_EQ(data.items.text("title", 0), "Bolt, \"big\"");
  EXPECT_EQ(data.items.text("description", 0), "two\nlines");
  EXPECT_EQ(data.items.text("title", 2), "Nut & co");
  EXPECT_EQ(data.items.text("title", 1), "Wire") << "the first entry counts";
  EXPECT_EQ(data.items.text("price", 2), "");
  EXPECT_EQ(data.items.text("title", 3), "");
  EXPECT_EQ(data.remarks, (std::map<std::string, int64_t>{
                              {"texts of 'title' cleaned of HTML", 1},
                              {"texts of 'description' cleaned of HTML", 1},
                              {"values NaN, infinite or null, read as missing", 1},
                              {"further entries of an item, of which the first counts", 1},
                              {"items without an entry in the item file", 1}}));
  const std::vector<PlainRow> test = plain(data.test, data.items);
  ASSERT_EQ(test.size(), 2u);
  EXPECT_EQ(test[0], (PlainRow{0, {"k1", "k3", "k 2"}, "k4", 1500000040}));
  EXPECT_EQ(test[1], (PlainRow{1, {"k1", "k3", "k4"}, "k 2", 1500000004}));
}

TEST(CsvSource, HistoriesHaveTimesWhereTheFileHas) {
  const ShopFolder folder;
  const auto times = [](const Dataset& data) {
    const std::span<const int64_t> of_zoe = data.test.history_times(0);
    return std::vector(of_zoe.begin(), of_zoe.end());
  };
  EXPECT_EQ(times(loaded("csv", folder.options())),
            (std::vector<int64_t>{1500000010, 1500000020, 1500000030}));
  OptionTexts without_times = folder.options();
  without_times["time"] = "";
  EXPECT_FALSE(loaded("csv", without_times).test.history_time_H.defined());
}

TEST(CsvSource, TextsAreAllColumnsUnlessNamed) {
  const ShopFolder folder;
  const Dataset data = loaded("csv", folder.with_things());
  EXPECT_EQ(data.items.columns(), (std::vector<std::string>{"about", "name", "price"}));
  EXPECT_TRUE(loaded("csv", folder.options()).items.columns().empty());
  const Dataset own = loaded("csv", folder.options({{"texts", "stars"}}));
  EXPECT_EQ(own.items.text("stars", 0), "4") << "of the item's first line";
  EXPECT_FALSE(own.remarks.contains("further entries of an item, of which the first counts"));
}

TEST(CsvSource, TheCatalogueMayBeTheWholeTable) {
  const ShopFolder folder;
  folder.write("things.csv", "code\nk9\nk4\nk3\nk 2\nk1\n");
  const Dataset data = loaded("csv", folder.with_things({{"catalogue", "file"}}));
  EXPECT_EQ(plain_keys(data.items), (std::vector<std::string>{"k9", "k4", "k3", "k 2", "k1"}));
  EXPECT_EQ(plain(data.test, data.items)[0], (PlainRow{0, {"k1", "k3", "k 2"}, "k4", 1500000040}));
  folder.write("things.csv", "code\nk9\nk4\nk3\nk1\n");
  EXPECT_TRUE(contains(refusal("csv", folder.with_things({{"catalogue", "file"}})),
                       "buys.csv:2: 'k 2' is no item of the item file, which is the catalogue"));
}

TEST(CsvSource, TheSameFileInManyForms) {
  const ShopFolder folder;
  const std::string plain_bytes = "user_id,item_id,timestamp\nu,a,10\nu,b,20\nu,c,30\nu,d,40\n";
  const auto rows = [&](const std::string& bytes, OptionTexts options = {}) {
    options["file"] = folder.write("form.csv", bytes).string();
    const Dataset data = loaded("csv", options);
    return plain(data.test, data.items);
  };
  const auto replaced = [&](const std::string& from, const std::string& by) {
    std::string bytes = plain_bytes;
    for (size_t at = bytes.find(from); at != std::string::npos;
         at = bytes.find(from, at + by.size()))
      bytes.replace(at, from.size(), by);
    return bytes;
  };
  const std::vector<PlainRow> expected = {{0, {"a", "b", "c"}, "d", 40}};
  EXPECT_EQ(rows(plain_bytes), expected);
  EXPECT_EQ(rows("\xEF\xBB\xBF" + plain_bytes), expected) << "a byte-order mark";
  EXPECT_EQ(rows(replaced("\n", "\r\n")), expected);
  EXPECT_EQ(rows(plain_bytes.substr(0, plain_bytes.size() - 1)), expected) << "no last line end";
  EXPECT_EQ(rows(replaced("\n", "\n\n")), expected) << "blank lines";
  for (const char* separator : {"\t", ";", "|"})
    EXPECT_EQ(rows(replaced(",", separator)), expected);
  EXPECT_EQ(rows(replaced(",", "#"), {{"separator", "#"}}), expected);
  EXPECT_EQ(rows(replaced(",", ", ")), expected) << "blanks around fields";
  EXPECT_EQ(rows(replaced("0\n", "0.0\n")), expected) << "numbers as pandas writes them";
  EXPECT_EQ(rows(replaced("0\n", "0000\n"), {{"time_unit", "milliseconds"}}), expected);
  EXPECT_EQ(rows(replaced("0\n", "0000000000\n"), {{"time_unit", "nanoseconds"}}), expected);
  EXPECT_EQ(
      rows(replaced("user_id,item_id,timestamp\n", ""), {{"columns", "user_id item_id timestamp"}}),
      expected);
  EXPECT_EQ(rows("user_id,item_id,timestamp\nu,d,1970-01-01 00:00:40\nu,a,1970-01-01T00:00:10Z\n"
                 "u,c,1970-01-01T01:00:30.000+01:00\nu,b,1970-01-01 00:00:20\n"),
            expected);
  EXPECT_EQ(rows(plain_bytes + ",e,50\nu,,50\nu,NaN,50\nu,e,nan\n"), expected)
      << "events without user, item or time";
  EXPECT_EQ(rows(replaced("timestamp", "x"), {{"time", ""}}),
            (std::vector<PlainRow>{{0, {"a", "b", "c"}, "d", 3}}))
      << "the order of the lines";
}

TEST(CsvSource, MillisecondsDecideTheOrder) {
  const TempFolder folder;
  const std::string file = folder
                               .write("ms.csv",
                                      "user_id,item_id,timestamp\nu,d,2004\nu,c,2003\n"
                                      "u,b,2002\nu,a,2001\n")
                               .string();
  const Dataset data = loaded("csv", {{"file", file}, {"time_unit", "milliseconds"}});
  EXPECT_EQ(plain(data.test, data.items), (std::vector<PlainRow>{{0, {"a", "b", "c"}, "d", 2}}));
}

TEST(CsvSource, ReadsWhatGzipWrote) {
  const ShopFolder folder;
  const std::string file = (folder.path() / "buys.csv").string();
  const Dataset as_text = loaded("csv", folder.options());
  ASSERT_EQ(std::system(("gzip " + file).c_str()), 0);
  const OptionTexts options = folder.options({{"file", file + ".gz"}});
  const Dataset compressed = loaded("csv", options);
  EXPECT_EQ(plain(compressed.test, compressed.items), plain(as_text.test, as_text.items));
  std::filesystem::resize_file(file + ".gz", 60);
  EXPECT_TRUE(contains(refusal("csv", options),
                       "buys.csv.gz ends in the middle of its gzip data; fetch the file again"));
}

TEST(CsvSource, EncodingsAreConvertedOrRefused) {
  const TempFolder folder;
  const auto file = [&](const std::string& name) {
    return folder
        .write("e.csv", "user_id,item_id,timestamp\n" + name + ",a,1\n" + name + ",b,2\n" + name +
                            ",c,3\n" + name + ",caf\xC3\xA9,4\n")
        .string();
  };
  EXPECT_TRUE(contains(refusal("csv", {{"file", file("J\xFCrgen")}}),
                       "e.csv:2: a byte of this line is no UTF-8; save the file as UTF-8, or set "
                       "the source's `encoding` to \"latin1\""));
  const Dataset surrogate = loaded("csv", {{"file", file("half \xED\xA0\xBD")}});
  EXPECT_EQ(surrogate.remarks.at("halves of characters (surrogates), replaced by U+FFFD"), 4);
  const std::string latin1 =
      folder.write("l.csv", "user_id,item_id,timestamp\nu,a,1\nu,b,2\nu,c,3\nu,caf\xE9,4\n")
          .string();
  const Dataset data = loaded("csv", {{"file", latin1}, {"encoding", "latin1"}});
  EXPECT_EQ(data.items.key(3), "café");
}

TEST(CsvSource, MistakesNameFileAndLine) {
  const ShopFolder folder;
  const auto complaint = [&](const std::string& bytes, OptionTexts options = {}) {
    options["file"] = folder.write("bad.csv", bytes).string();
    return refusal("csv", options);
  };
  const std::string header = "user_id,item_id,timestamp\n";
  const auto expect = [&](const std::string& said, const std::string& sentence) {
    EXPECT_TRUE(contains(said, sentence)) << said;
  };
  expect(complaint("user,item_id,timestamp\nu,a,1\n"),
         "bad.csv has no column 'user_id', which the source's `user` names; its columns are user, "
         "item_id, timestamp; did you mean 'user'?");
  expect(complaint(header + "u,a,1\nu,b\n"),
         "bad.csv:3: 2 fields, but the header names 3 columns (user_id, item_id, timestamp); mend");
  expect(complaint(header + "u,a,soon\n"),
         "bad.csv:2: 'soon' is no time; expected a number of seconds since 1970");
  expect(complaint(header + "u,a,1500000000000\n"), "before the year 10000");
  expect(complaint(header + "u,\"a,1\nu,b,2\n"),
         "bad.csv:2: a quoted field that starts in this line never ends");
  expect(complaint(header + "u,\"a\"b,1\n"), "bad.csv:2: expected a separator");
  expect(complaint("a,b,a\n1,2,3\n"), "bad.csv:1: the header names the column 'a' twice");
  expect(complaint(""), "bad.csv is empty; expected a header line");
  expect(complaint(header), "holds no event that could be used");
  expect(
      complaint("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n"),
      "bad.csv holds nothing but the pointer that git-lfs leaves in its place; run 'git lfs pull'");
  expect(complaint("PK\x03\x04 and so on"), "bad.csv is a zip archive; unpack it");
  expect(complaint(std::string("\xFF\xFEu\0", 4)),
         "bad.csv is written in UTF-16; save it as UTF-8");
  expect(complaint(header + "u,a,1\n", {{"min_rating", "3"}}),
         "min_rating needs ratings; name their column by `rating`");
  expect(complaint(header, {{"time", ""}, {"since", "2016"}}), "needs times; name their column");
  expect(complaint(header, {{"catalogue", "file"}}), "needs a table of items; set `items`");
  expect(refusal("csv", {{"file", folder.path().string()}}), "is a folder; name the file itself");
  expect(refusal("csv", {{"file", "/nowhere.csv"}}), "cannot read /nowhere.csv: No such file");
  expect(refusal("csv", folder.with_things({{"texts", "title=nam"}})),
         "things.csv has no column 'nam', which the source's `texts` names; its columns are code, "
         "name, about, price; did you mean 'name'?");
  expect(refusal("csv", folder.with_things({{"texts", "title=name title"}})),
         "texts names the column \"title\" twice");
  folder.write("things.csv", "code,name\n1.0,x\n");
  expect(refusal("csv", folder.with_things()),
         "has an entry for none of the 4 items; the first of them is called 'k1', and the file's "
         "is '1.0'");
}

TEST(CsvSource, LowRatingsGoWhereAsked) {
  const ShopFolder folder;
  const Dataset data = loaded(
      "csv",
      folder.options({{"rating", "stars"}, {"min_rating", "3"}, {"split", "leave_one_out"}}));
  EXPECT_EQ(data.remarks.at("events rated below min_rating, or not at all, left out"), 2);
  EXPECT_EQ(data.test.size(), 1);
}

}  // namespace
}  // namespace tsrec::test
