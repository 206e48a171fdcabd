// A catalogue, its SIDs, texts, vectors and rollouts at random, other ones each time.
#pragma once

#include <random>

#include "support/support.hpp"
#include "tsrec/parts/recommender.hpp"
#include "tsrec/parts/reward.hpp"

namespace tsrec::test {

class RandomWorld {
 public:
  RandomWorld() : seed(std::random_device{}()), random_(seed) {
    std::vector<std::string> keys, brands, categories;
    for (int64_t i = 0; i < kItems; ++i) {
      keys.push_back(std::to_string(i));
      brands.push_back(i == 0 ? "" : c10::str("brand ", below(4)));
      std::string several;
      for (int64_t n = below(4); n > 0; --n)
        several += c10::str(n % 2 ? " " : "", "c", below(5), "|");
      categories.push_back(several);
    }
    data.items = Items(keys);
    data.items.set("brand", brands);
    data.items.set("categories", categories);
    data.train = rows(200);
    data.valid = data.test = Samples::empty();
    sids.sizes = {kCodes, kCodes, kCodes};
    sids.code_NL = torch::empty({kItems, 3}, torch::kInt64);
    for (int64_t i = 0; i < sids.code_NL.numel(); ++i)
      sids.code_NL.mutable_data_ptr<int64_t>()[i] = below(kCodes);
    sids.code_NL[7] = sids.code_NL[3];  // items 3 and 7 share a SID
    x_ND = torch::empty({kItems, 5});
    for (int64_t i = 0; i < x_ND.numel(); ++i)
      x_ND.mutable_data_ptr<float>()[i] = std::normal_distribution<float>()(random_);
    x_ND[1].zero_();
    x_ND[7] = x_ND[3];
    for (const TokenCluster& cluster : token_clusters(sids)) {
      if (below(6) == 0) continue;  // nobody described it
      notes.push_back({cluster.token, c10::Join(" ", words()), words()});
    }
    for (int64_t b = 0; b < kPrompts; ++b) add_prompt(b);
    rollouts.samples = rows(kPrompts);
    rollouts.samples.target_S = rollouts.target_B;
  }

  RewardInputs inputs() { return {data, sids, notes, earlier()}; }
  EarlierStages earlier() const { return {.x_ND = x_ND, .recommenders = recommenders}; }

  torch::Tensor score(const std::string& name, const OptionTexts& options = {}) {
    return score(built_part("reward", name, options));
  }
  torch::Tensor score(const kit::Subject& subject) {
    const auto reward = subject.make_as<Reward>(context);
    reward->prepare(inputs(), context);
    return reward->score(rollouts);
  }

  // Not by the group numbers that rewards go by.
  bool is_hit(int64_t item, int64_t target, bool by_sid = true) const {
    return item == target || (by_sid && sids.text(item) == sids.text(target));
  }
  int64_t item(int64_t b, int64_t g) const { return rollouts.item_BG[b][g].item<int64_t>(); }
  int64_t target(int64_t b) const { return rollouts.target_B[b].item<int64_t>(); }

  // wanted(b, item, target) of every completion that is no hit.
  void expect(const torch::Tensor& score_BG, double hit, bool by_sid,
              const std::function<double(int64_t, int64_t, int64_t)>& wanted) const {
    for (int64_t b = 0; b < kPrompts; ++b) {
      for (int64_t g = 0; g < kCompletions; ++g) {
        const double expected =
            is_hit(item(b, g), target(b), by_sid) ? hit : wanted(b, item(b, g), target(b));
        EXPECT_NEAR(score_BG[b][g].item<double>(), expected, 1e-6)
            << "seed " << seed << ", prompt " << b << ", item " << item(b, g) << ", target "
            << target(b);
      }
    }
  }

  int64_t below(int64_t bound) {
    return std::uniform_int_distribution<int64_t>(0, bound - 1)(random_);
  }

  static constexpr int64_t kItems = 40, kCodes = 4, kPrompts = 12, kCompletions = 9;
  uint64_t seed;
  TestContext context;
  Dataset data;
  SidTable sids;
  std::vector<TokenNote> notes;
  torch::Tensor x_ND;
  std::map<std::string, RankItems> recommenders;
  Rollouts rollouts;

 private:
  std::vector<std::string> words() {
    std::vector<std::string> some;
    for (int64_t n = 1 + below(5); n > 0; --n) some.push_back(c10::str("word", below(8)));
    return some;
  }
  Samples rows(int64_t count) {
    SamplesBuilder builder;
    for (int64_t row = 0; row < count; ++row) {
      std::vector<int64_t> history;
      for (int64_t n = row % 5; n > 0; --n) history.push_back(below(kItems));
      // A few items are much more popular than the rest.
      builder.add(row, history, below(2) == 0 ? below(3) : below(kItems), row);
    }
    return builder.build();
  }
  // Prompt 0 asks for the one of the two items with one SID, and its other stands in its list.
  void add_prompt(int64_t b) {
    if (b == 0) {
      rollouts.item_BG = torch::empty({kPrompts, kCompletions}, torch::kInt64);
      rollouts.log_prob_BG = torch::zeros({kPrompts, kCompletions});
      rollouts.target_B = torch::empty({kPrompts}, torch::kInt64);
    }
    std::vector<int64_t> all(kItems);
    std::iota(all.begin(), all.end(), 0);
    std::shuffle(all.begin(), all.end(), random_);
    for (int64_t g = 0; g < kCompletions; ++g) rollouts.item_BG[b][g] = all[static_cast<size_t>(g)];
    rollouts.target_B[b] =
        b % 2 == 0 ? all[static_cast<size_t>(below(kCompletions))] : below(kItems);
    if (b != 0) return;
    rollouts.target_B[0] = 3;
    rollouts.item_BG[0][2] = 7;
    rollouts.item_BG[0][5] = 3;
  }

  std::mt19937_64 random_;
};

// A recommender of a built plugin, fitted on the world's training rows.
inline RankItems fitted(RandomWorld& world, const std::string& name) {
  const auto recommender = make_part<Recommender>(name, world.context);
  recommender->fit({.data = world.data, .sids = nullptr}, world.context);
  return [recommender, &world](const Samples& samples, int64_t num_candidates) {
    return recommender->rank(samples, num_candidates, world.context);
  };
}

}  // namespace tsrec::test
