// What `tsrec data` says of a data set, counted by hand.
#include "cli_support.hpp"
#include "report/data_report.hpp"

namespace tsrec::test {
namespace {

// Four items, one without a title, two with the same; item 3 is in no row.
Dataset small_data() {
  Dataset data;
  data.items = Items({"a", "b", "c", "d"});
  data.items.set("title", {"red bolt", "red bolt", "", "a long steel nail"});
  data.items.set_tensor("image", torch::zeros({4, 2, 3}));
  SamplesBuilder train, valid, test;
  train.add(7, std::vector<int64_t>{0}, 1, 10);
  train.add(8, std::vector<int64_t>{1, 0, 1}, 0, 11);
  valid.add(7, std::vector<int64_t>{0, 1}, 2, 12);
  data.train = train.build();
  data.valid = valid.build();
  data.test = test.build();
  data.remarks = {{"texts mended", 3}};
  return data;
}

TEST(DataReport, CountsWhatThereIs) {
  const SidTable sids{torch::tensor({{0, 1}, {0, 1}, {1, 0}, {1, 1}}), {2, 2}};
  const host::DataReport report = host::data_report(small_data(), sids);
  EXPECT_EQ(report.items, 4);
  ASSERT_EQ(report.columns.size(), 1u);
  const host::ColumnFacts& title = report.columns[0];
  EXPECT_EQ(title.filled, 3);
  EXPECT_EQ(title.distinct, 2);
  EXPECT_DOUBLE_EQ(title.mean_words, 8.0 / 3);
  EXPECT_EQ(title.example, "red bolt");
  EXPECT_EQ(report.tensors.at("image"), std::vector<int64_t>({4, 2, 3}));
  EXPECT_EQ(report.same_title, 2);
  EXPECT_EQ(report.unused, 1);
  EXPECT_EQ(report.distinct_sids, 3);
  EXPECT_FALSE(host::data_report(small_data(), std::nullopt).sid_sizes);
  EXPECT_TRUE(contains(host::text_of(report), "texts mended: 3\n")) << host::text_of(report);

  ASSERT_EQ(report.splits.size(), 3u);
  const host::SplitFacts& train = report.splits[0];
  EXPECT_EQ(train.rows, 2);
  EXPECT_EQ(train.users, 2);
  EXPECT_EQ(train.targets, 2);
  EXPECT_EQ(train.shortest, 1);
  EXPECT_EQ(train.longest, 3);
  EXPECT_DOUBLE_EQ(train.median, 2);
  EXPECT_DOUBLE_EQ(train.mean, 2);
  EXPECT_EQ(train.unseen, 0);
  EXPECT_EQ(train.in_history, 1);
  EXPECT_EQ(report.splits[1].unseen, 1) << "item 2 is a target of validation only";
  EXPECT_EQ(report.splits[2].rows, 0);
}

TEST(DataReport, IsTheSameWhetherTheSourceIsStoredOrNot) {
  const TempFolder store;
  const std::string arguments = "data " + kSmoke + " --store " + store.path().string();
  const Outcome fresh = run(arguments);
  ASSERT_EQ(fresh.code, 0) << fresh.text;
  EXPECT_TRUE(contains(fresh.text, "120 items\n")) << fresh.text;
  EXPECT_TRUE(contains(fresh.text, "| categories ")) << fresh.text;
  EXPECT_TRUE(std::filesystem::is_empty(store.path() / "store")) << "it only looks";
  ASSERT_EQ(run("run " + kSmoke + " --store " + store.path().string() +
                " --set stage.sft.enabled=false --set stage.grpo.enabled=false")
                .code,
            0);
  EXPECT_EQ(run(arguments).text, fresh.text);
}

}  // namespace
}  // namespace tsrec::test
