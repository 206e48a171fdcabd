// Rewards against popularity: training on hits draws a model to what is bought most, because that
// is where hits are cheap.
#include "tsrec/parts/reward.hpp"

namespace {

using namespace tsrec;

// How often each item is a target of the training rows.
std::vector<int64_t> target_counts(const Dataset& data) {
  std::vector<int64_t> count_N(static_cast<size_t>(data.items.size()), 0);
  for (int64_t row = 0; row < data.train.size(); ++row)
    ++count_N[static_cast<size_t>(data.train.target(row))];
  return count_N;
}

struct NoveltySettings {
  TargetMatch match;
  double margin = 0.05;
  void declare(Options& o) {
    match.declare(o);
    o.add("margin", margin)
        .range(0, 1)
        .help("a miss earns (1 - margin) times its novelty, so that none is worth a hit");
  }
};

// 1 for the target, else the self-information of the item's share p of all targets, -ln p (Zhou et
// al., 2010; Vargas and Castells, 2011), as a share of the largest there can be.
class Novelty final : public Reward {
 public:
  Novelty(const NoveltySettings& settings, Context&) : settings_(settings) {}

  void prepare(const RewardInputs& inputs, Context&) override {
    settings_.match.prepare(inputs.sids);
    // Every item counts once more than it was seen, so that no p is 0.
    const auto all = static_cast<double>(inputs.data.train.size() + inputs.data.items.size());
    novelty_N_.clear();
    for (const int64_t count : target_counts(inputs.data))
      novelty_N_.push_back(all > 1 ? 1 - std::log(static_cast<double>(count + 1)) / std::log(all)
                                   : 0);
  }

  torch::Tensor score(const Rollouts& rollouts) const override {
    return settings_.match.scores(rollouts, /*hit=*/1, [&](int64_t, int64_t item, int64_t) {
      return (1 - settings_.margin) * novelty_N_[static_cast<size_t>(item)];
    });
  }

 private:
  NoveltySettings settings_;
  std::vector<double> novelty_N_;  // in [0, 1]
};

struct PenaltySettings {
  TargetMatch match;
  void declare(Options& o) { match.declare(o); }
};

// 0 for the target; a miss costs ln(c + 2) / ln(c_max + 2), c how often it is a target.
class PopularityPenalty final : public Reward {
 public:
  PopularityPenalty(const PenaltySettings& settings, Context&) : settings_(settings) {}

  void prepare(const RewardInputs& inputs, Context&) override {
    settings_.match.prepare(inputs.sids);
    const std::vector<int64_t> count_N = target_counts(inputs.data);
    const int64_t most = *std::max_element(count_N.begin(), count_N.end());
    const auto log = [](int64_t count) { return std::log(static_cast<double>(count + 2)); };
    cost_N_.clear();
    for (const int64_t count : count_N) cost_N_.push_back(log(count) / log(most));
  }

  torch::Tensor score(const Rollouts& rollouts) const override {
    return settings_.match.scores(rollouts, /*hit=*/0, [&](int64_t, int64_t item, int64_t) {
      return -cost_N_[static_cast<size_t>(item)];
    });
  }

 private:
  PenaltySettings settings_;
  std::vector<double> cost_N_;  // in (0, 1]
};

}  // namespace

TSREC_PLUGIN("tsrec.debiasing", "0.1.0",
             tsrec::part<tsrec::Reward, Novelty, NoveltySettings>(
                 "novelty", /*revision=*/1, "Misses earn the more the rarer the item is a target"),
             tsrec::part<tsrec::Reward, PopularityPenalty, PenaltySettings>(
                 "popularity_penalty", /*revision=*/1,
                 "Misses cost the more the more often the item is a target"))
