// MiniOneRec's two rewards (arXiv 2510.24431): a hit counts 1; a miss that is ranked high costs
// more than a low one.
#include "tsrec/parts/reward.hpp"

namespace {

using namespace tsrec;

struct Settings {
  std::string match = "sid";
  void declare(Options& o) {
    o.add("match", match)
        .one_of({"sid", "item"})
        .help(
            "sid: items that share the target's SID are hits; item: only the SID's first item "
            "stands for it");
  }
};

// [B, G]: is completion g the target of prompt b?
torch::Tensor hits(const Rollouts& rollouts, const std::vector<int64_t>& group_N,
                   const std::string& match) {
  const auto item = rollouts.item_BG.accessor<int64_t, 2>();
  torch::Tensor hit_BG = torch::zeros(rollouts.item_BG.sizes(), torch::kBool);
  auto hit = hit_BG.accessor<bool, 2>();
  for (int64_t b = 0; b < item.size(0); ++b) {
    const int64_t target = rollouts.target_B[b].item<int64_t>();
    if (target < 0)
      throw Error("a reward needs the target of every prompt; prompt ", b, " has none");
    for (int64_t g = 0; g < item.size(1); ++g) {
      const int64_t got = item[b][g];
      hit[b][g] = got == target ||
                  (match == "sid" && got >= 0 &&
                   group_N[static_cast<size_t>(got)] == group_N[static_cast<size_t>(target)]);
    }
  }
  return hit_BG;
}

class HitReward : public Reward {
 public:
  explicit HitReward(const Settings& settings) : settings_(settings) {}
  void prepare(const RewardInputs& inputs, Context&) override { group_N_ = inputs.sids.group_N(); }

 protected:
  torch::Tensor hits_of(const Rollouts& rollouts) const {
    return hits(rollouts, group_N_, settings_.match);
  }

 private:
  Settings settings_;
  std::vector<int64_t> group_N_;
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
