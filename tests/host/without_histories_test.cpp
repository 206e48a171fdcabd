// `[evaluate] repeats = false`: a model's lists without what each user has had.
#include "pipeline/without_histories.hpp"

#include <set>

#include "config/document.hpp"
#include "pipeline/settings.hpp"
#include "random_sids.hpp"

namespace tsrec::test {
namespace {

constexpr int64_t kItems = 40, kRows = 60, kPlaces = 25;

// Items in random order, those of one SID side by side, the ends of some lists empty.
struct RandomLists {
  RandomLists() : sids(random_sids(kItems, random)) {
    const std::vector<int64_t> group_N = sids.group_N();
    SamplesBuilder builder;
    rankings.item_SM = torch::full({kRows, kPlaces}, -1, torch::kInt64);
    rankings.leaf_SM = rankings.item_SM.clone();
    rankings.score_SM = torch::full({kRows, kPlaces}, -INFINITY);
    rankings.certified_S = torch::zeros({kRows}, torch::kInt64);
    rankings.num_illegal = random.below(100);
    for (int64_t row = 0; row < kRows; ++row) {
      std::vector<int64_t> history;
      for (int64_t i = random.below(20); i >= 0; --i) history.push_back(random.below(kItems));
      builder.add(row, history, random.below(kItems), row);
      std::vector<int64_t> key_N(kItems), order(kItems);
      for (int64_t& key : key_N) key = random.below(1000000);
      std::iota(order.begin(), order.end(), 0);
      const auto rank_of = [&](int64_t item) {
        return std::pair(key_N[static_cast<size_t>(group_N[static_cast<size_t>(item)])], item);
      };
      std::sort(order.begin(), order.end(),
                [&](int64_t a, int64_t b) { return rank_of(a) < rank_of(b); });
      const int64_t length = kPlaces - random.below(4);
      std::set<int64_t> listed;
      for (int64_t m = 0; m < length; ++m) {
        const int64_t item = order[static_cast<size_t>(m)];
        rankings.item_SM[row][m] = item;
        rankings.leaf_SM[row][m] = group_N[static_cast<size_t>(item)];
        rankings.score_SM[row][m] = -static_cast<float>(m);
        listed.insert(group_N[static_cast<size_t>(item)]);
      }
      rankings.certified_S[row] = random.below(static_cast<int64_t>(listed.size()) + 1);
    }
    samples = builder.build();
  }

  RandomNumbers random;
  SidTable sids;
  Rankings rankings;
  Samples samples;
};

TEST(WithoutHistories, WhatIsLeftKeepsItsOrder) {
  const RandomLists lists;
  const Rankings kept = host::without_histories(lists.rankings, lists.samples);
  EXPECT_EQ(kept.num_illegal, lists.rankings.num_illegal);
  int64_t removed = 0;
  for (int64_t row = 0; row < kRows; ++row) {
    const auto history = lists.samples.history(row);
    std::vector<std::tuple<int64_t, int64_t, float>> expected, found;
    std::set<int64_t> certified, certified_left;
    for (int64_t m = 0; m < kPlaces; ++m) {
      const auto item = lists.rankings.item_SM[row][m].item<int64_t>();
      const auto leaf = lists.rankings.leaf_SM[row][m].item<int64_t>();
      const bool is_seen = std::count(history.begin(), history.end(), item) > 0;
      if (item >= 0) {
        certified.insert(leaf);
        if (!is_seen && static_cast<int64_t>(certified.size()) <=
                            lists.rankings.certified_S[row].item<int64_t>())
          certified_left.insert(leaf);
        if (!is_seen)
          expected.emplace_back(item, leaf, lists.rankings.score_SM[row][m].item<float>());
        removed += is_seen;
      }
      if (kept.item_SM[row][m].item<int64_t>() >= 0)
        found.emplace_back(kept.item_SM[row][m].item<int64_t>(),
                           kept.leaf_SM[row][m].item<int64_t>(),
                           kept.score_SM[row][m].item<float>());
    }
    EXPECT_EQ(found, expected) << "row " << row;
    EXPECT_EQ(kept.certified_S[row].item<int64_t>(), static_cast<int64_t>(certified_left.size()))
        << "row " << row;
    // Closed up: nothing stands behind an empty place.
    EXPECT_TRUE((kept.item_SM[row].slice(0, static_cast<int64_t>(expected.size())) == -1)
                    .all()
                    .item<bool>());
  }
  EXPECT_GT(removed, kRows);
}

// An item that shares its SID with one of the history is on its own then: by the formula of method
// 11 it shares its place with nobody.
TEST(WithoutHistories, ASiblingInTheHistoryNoLongerSharesThePlace) {
  RandomLists lists;
  const std::vector<int64_t> group_N = lists.sids.group_N();
  Dataset data;
  data.items = random_items(kItems);
  const Rankings kept = host::without_histories(lists.rankings, lists.samples);
  const TargetPlaces places = target_places({kept, lists.samples, data, &lists.sids});
  int64_t alone = 0;
  for (int64_t row = 0; row < kRows; ++row) {
    const auto history = lists.samples.history(row);
    const int64_t target = lists.samples.target(row);
    int64_t group = 0;
    for (int64_t m = 0; m < kPlaces; ++m) {
      const auto item = lists.rankings.item_SM[row][m].item<int64_t>();
      group += item >= 0 && std::count(history.begin(), history.end(), item) == 0 &&
               group_N[static_cast<size_t>(item)] == group_N[static_cast<size_t>(target)];
    }
    EXPECT_EQ(places.group[static_cast<size_t>(row)], group);
    alone += group == 1;
  }
  EXPECT_GT(alone, 0);
}

TEST(WithoutHistories, AreRefusedWhereIllegalAnswersAreCounted) {
  const auto settings_of = [](const std::string& text) {
    const TempFolder folder;
    folder.write("experiment.toml", "[evaluate]\n" + text);
    host::DocumentRequest request;
    request.file = folder.path() / "experiment.toml";
    const auto document = host::Document::load(request);
    const host::EvaluateSettings settings = host::read_evaluate_settings(document);
    document.throw_if_any();
    return settings;
  };
  EXPECT_FALSE(settings_of("repeats = false").repeats);
  EXPECT_TRUE(settings_of("").repeats);
  EXPECT_TRUE(contains(
      message_of<ConfigError>([&] { settings_of("repeats = false\nconstraint = \"level\""); }),
      "repeats = false leaves SIDs out that `illegal_rate` counts"));
}

}  // namespace
}  // namespace tsrec::test
