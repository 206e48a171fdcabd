// MiniOneRec's two rewards (arXiv 2510.24431): a hit counts 1; a miss that is ranked high costs
// more than a low one.
#include "tsrec/parts/reward.hpp"

namespace {

using namespace tsrec;

struct Settings {
  TargetMatch match;
  void declare(Options& o) { match.declare(o); }
};

class HitReward : public Reward {
 public:
  explicit HitReward(const Settings& settings) : match_(settings.match) {}
  void prepare(const RewardInputs& inputs, Context&) override { match_.prepare(inputs.sids); }

 protected:
  torch::Tensor hits_of(const Rollouts& rollouts) const { return match_.hits(rollouts); }

 private:
  TargetMatch match_;
};

// 1 for the target, else 0.
class ExactMatch final : public HitReward {
 public:
  ExactMatch(const Settings& settings, Context&) : HitReward(settings) {}
  torch::Tensor score(const Rollouts& rollouts) const override {
    return hits_of(rollouts).to(torch::kFloat32);
  }
};

// w_i = (1 / log2(i + 2)) / sum_j (1 / log2(j + 2)). In a group with a hit every miss at rank i
// costs w_i; a group without one is left alone.
class RankPenalty final : public HitReward {
 public:
  RankPenalty(const Settings& settings, Context&) : HitReward(settings) {}
  torch::Tensor score(const Rollouts& rollouts) const override {
    const torch::Tensor hit_BG = hits_of(rollouts);
    torch::Tensor weight_G = 1 / torch::log2(torch::arange(2, hit_BG.size(1) + 2, torch::kFloat64));
    weight_G = weight_G / weight_G.sum();
    const torch::Tensor has_hit_B1 = hit_BG.any(1, /*keepdim=*/true);
    return (-weight_G * torch::logical_and(has_hit_B1, hit_BG.logical_not())).to(torch::kFloat32);
  }
};

}  // namespace

TSREC_PLUGIN("tsrec.ranking_rewards", "0.1.0",
             tsrec::part<tsrec::Reward, ExactMatch, Settings>("exact_match", /*revision=*/1,
                                                              "1 for the target, else 0"),
             tsrec::part<tsrec::Reward, RankPenalty, Settings>(
                 "rank_penalty", /*revision=*/1,
                 "Misses cost the more the higher they rank, in groups with a hit"))
