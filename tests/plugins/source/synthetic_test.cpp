#include "support/support.hpp"
#include "tsrec/parts/source.hpp"

namespace tsrec::test {
namespace {

Dataset load(const std::map<std::string, std::string>& options = {}, uint64_t seed = 17) {
  TestContext context(seed);
  return make_part<Source>("synthetic", context, options)->load(context);
}

// Share of test rows whose target is among the ten highest counts of `score` (ties by item number).
template <class Score>
double hit_rate(const Dataset& data, const Score& score) {
  int64_t hits = 0;
  for (int64_t row = 0; row < data.test.size(); ++row) {
    const std::vector<double> scores = score(row);
    const double target = scores[static_cast<size_t>(data.test.target(row))];
    hits +=
        std::count_if(scores.begin(), scores.end(), [&](double s) { return s > target; }) < 10 &&
        target > 0;
  }
  return static_cast<double>(hits) / static_cast<double>(data.test.size());
}

TEST(Synthetic, IsAFunctionOfItsSeed) {
  const Dataset one = load(), same = load(), other = load({}, 18);
  EXPECT_TRUE(torch::equal(one.train.history_H, same.train.history_H));
  EXPECT_EQ(one.items.text("title", 5), same.items.text("title", 5));
  EXPECT_FALSE(torch::equal(one.test.target_S, other.test.target_S));
}

TEST(Synthetic, HasTheSizesAskedFor) {
  const Dataset data = load({{"items", "100"}, {"users", "400"}, {"mean_length", "6"}});
  EXPECT_EQ(data.items.size(), 100);
  EXPECT_EQ(data.test.size(), 400);
  EXPECT_EQ(data.valid.size(), 400);
  const double mean = static_cast<double>(data.train.size() + 3 * 400) /
                      400;  // first, valid and test are no train targets
  EXPECT_NEAR(mean, 6, 0.6);
  for (int64_t item = 0; item < 100; ++item) EXPECT_FALSE(data.items.text("title", item).empty());
}

TEST(Synthetic, NobodyBuysAnItemTwice) {
  const Dataset data = load({{"users", "200"}});
  for (int64_t row = 0; row < data.test.size(); ++row) {
    const auto history = data.test.history(row);
    EXPECT_EQ(std::count(history.begin(), history.end(), data.test.target(row)), 0);
  }
}

TEST(Synthetic, OrderAndTextBothPredictTheNextItem) {
  const Dataset data = load();
  const auto items = static_cast<size_t>(data.items.size());
  std::vector<double> popularity(items, 0);
  std::vector<std::vector<double>> follows(items, std::vector<double>(items, 0));
  for (int64_t row = 0; row < data.train.size(); ++row) {
    const auto target = static_cast<size_t>(data.train.target(row));
    ++popularity[target];
    ++follows[static_cast<size_t>(data.train.history(row).back())][target];
  }
  const double popular = hit_rate(data, [&](int64_t) { return popularity; });
  const double order = hit_rate(data, [&](int64_t row) {
    return follows[static_cast<size_t>(data.test.history(row).back())];
  });
  // Items of the history's categories, the popular ones first.
  const double text = hit_rate(data, [&](int64_t row) {
    std::vector<double> scores(items, 0);
    for (const int64_t seen : data.test.history(row)) {
      for (size_t item = 0; item < items; ++item) {
        const bool is_alike = data.items.text("categories", static_cast<int64_t>(item)) ==
                              data.items.text("categories", seen);
        if (is_alike) scores[item] += popularity[item];
      }
    }
    return scores;
  });
  EXPECT_GT(order, 2 * popular);
  EXPECT_GT(text, 1.3 * popular);
}

TEST(Synthetic, GlobalTimeNeverTrainsOnTheFuture) {
  const Dataset data = load({{"split", "global_time"}, {"users", "300"}});
  EXPECT_LE(data.train.time_S.max().item<int64_t>(), data.valid.time_S.min().item<int64_t>());
  EXPECT_LE(data.valid.time_S.max().item<int64_t>(), data.test.time_S.min().item<int64_t>());
}

}  // namespace
}  // namespace tsrec::test
