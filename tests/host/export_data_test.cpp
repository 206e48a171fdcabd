// A data set as RecBole's files, and back through the source that reads them.
#include <random>

#include "cli_support.hpp"
#include "pipeline/artefacts.hpp"
#include "report/atomic_files.hpp"
#include "tsrec/parts/source.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

Dataset loaded_part(const std::string& part, const OptionTexts& options) {
  TestContext context;
  return make_part<Source>(part, context, options)->load(context);
}

// Users have other numbers in files: they are compared one to one.
void expect_same_rows(const Samples& a, const Samples& b, std::map<int64_t, int64_t>& user_of) {
  ASSERT_EQ(a.size(), b.size());
  EXPECT_TRUE(torch::equal(a.history_H, b.history_H));
  EXPECT_TRUE(torch::equal(a.offset_S1, b.offset_S1));
  EXPECT_TRUE(torch::equal(a.target_S, b.target_S));
  EXPECT_TRUE(torch::equal(a.time_S, b.time_S));
  for (int64_t row = 0; row < a.size(); ++row)
    EXPECT_EQ(user_of.emplace(a.user(row), b.user(row)).first->second, b.user(row));
}

void expect_same(const Dataset& a, const Dataset& b) {
  ASSERT_EQ(a.items.size(), b.items.size());
  EXPECT_EQ(a.items.columns(), b.items.columns());
  for (int64_t item = 0; item < a.items.size(); ++item) {
    EXPECT_EQ(a.items.key(item), b.items.key(item));
    for (const std::string& column : a.items.columns())
      EXPECT_EQ(a.items.text(column, item), b.items.text(column, item));
  }
  std::map<int64_t, int64_t> user_of;
  for (const Split split : {Split::train, Split::valid, Split::test})
    expect_same_rows(a.split(split), b.split(split), user_of);
}

Dataset synthetic(const std::string& split) {
  TestContext context(std::random_device{}());
  return make_part<Source>("synthetic", context,
                           {{"items", "60"}, {"users", "80"}, {"split", split}})
      ->load(context);
}

OptionTexts back(const fs::path& folder, const OptionTexts& more) {
  OptionTexts options = {{"folder", folder.string()}, {"clean", "none"}, {"max_history", "10"}};
  options.insert(more.begin(), more.end());
  return options;
}

TEST(ExportData, RowsComeBackAsTheyWere) {
  for (const std::string split : {"leave_one_out", "global_time"}) {
    SCOPED_TRACE(split);
    const TempFolder folder;
    const Dataset data = synthetic(split);
    host::write_atomic_files(data, folder.path(), "toy");
    expect_same(data, loaded_part("recbole", back(folder.path(), {{"split", "files"}})));
  }
}

// As events, which are split again.
TEST(ExportData, EventsComeBackAsTheyWere) {
  const TempFolder folder;
  const Dataset data = synthetic("leave_one_out");
  const int64_t events = host::write_atomic_files(data, folder.path(), "toy");
  EXPECT_EQ(events, data.train.size() + data.valid.size() + 2 * data.test.size());
  const Dataset again = loaded_part("recbole", back(folder.path(), {{"catalogue", "file"}}));
  expect_same(data, again);
}

TEST(ExportData, OddTextsComeBackAndOddKeysAreRefused) {
  const TempFolder folder;
  Dataset data;
  data.items = Items({"k1", "k\"2", "ключ"});
  data.items.set("title", {"a\ttab", "\"quoted\" at once", "line\nend"});
  data.items.set("brand", {"", "5\" bolt", " blanks "});
  SamplesBuilder rows;
  rows.add(0, std::vector<int64_t>{0, 2}, 1, 77);
  data.train = data.valid = data.test = rows.build();
  host::write_atomic_files(data, folder.path(), "odd");
  expect_same(data, loaded_part("recbole", back(folder.path(), {{"split", "files"}})));

  data.items = Items({"k1", "two words", "k3"});
  EXPECT_TRUE(
      contains(message_of<DataError>([&] { host::write_atomic_files(data, folder.path(), "odd"); }),
               "the item 'two words' cannot be written: in RecBole's lists of items a "
               "blank comes between them"));
}

TEST(ExportData, TheCommandWritesWhatAnExperimentOrARunHas) {
  const TempFolder folder;
  const std::string experiment = (folder.path() / "floors").string();
  folder.write("floors/experiment.toml", R"([run]
name = "floors"
device = "cpu"
threads = 1
[source]
use = "synthetic"
items = 60
users = 80
[[recommender]]
use = "popularity"
[evaluate]
metric = [{ use = "hr", k = [3] }]
)");
  const std::string store = " --store " + (folder.path() / "store").string();
  const std::string to = (folder.path() / "out/shop").string();
  const Outcome fresh = run("export-data " + experiment + " " + to + store);
  ASSERT_EQ(fresh.code, 0) << fresh.text;
  EXPECT_TRUE(contains(fresh.text, "shop.item (60 items)")) << fresh.text;
  EXPECT_FALSE(fs::exists(folder.path() / "out/shop.unfinished"));
  ASSERT_EQ(run("run " + experiment + store).code, 0);
  fs::path stored_run;
  for (const auto& entry : fs::directory_iterator(folder.path() / "store/runs"))
    if (entry.is_directory() && !entry.is_symlink()) stored_run = entry.path();
  for (const std::string& named : {experiment, stored_run.string()}) {
    const std::string other = (folder.path() / "again").string();
    const Outcome again = run("export-data " + named + " " + other + store);
    ASSERT_EQ(again.code, 0) << again.text;
    for (const char* ending : {".inter", ".item", ".train.inter", ".valid.inter", ".test.inter"})
      EXPECT_EQ(io::read_text(other + "/again" + ending), io::read_text(to + "/shop" + ending))
          << ending;
    fs::remove_all(other);
  }

  const Outcome twice = run("export-data " + experiment + " " + to + store);
  EXPECT_EQ(twice.code, 2);
  EXPECT_TRUE(contains(twice.text, "exists already; name another folder")) << twice.text;
  const Outcome none = run("export-data " + experiment + store);
  EXPECT_EQ(none.code, 2);
  EXPECT_TRUE(contains(none.text, "needs a run or an experiment, and a folder")) << none.text;
}

}  // namespace
}  // namespace tsrec::test
