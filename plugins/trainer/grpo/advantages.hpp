// How much better than its group a completion is.
#pragma once

#include "groups.hpp"

namespace tsrec::grpo {

// Keeps a group of nearly equal rewards from being blown up (MiniOneRec and TRL have the same).
inline constexpr double kSmallestDeviation = 1e-4;

// [B, 1]. Both are those of draws where all completions count alike (the deviation with G - 1), and
// those of the distribution where they are weighed by its probabilities.
inline torch::Tensor group_mean(const torch::Tensor& reward_BG, const torch::Tensor& weight_BG) {
  return (weight_BG.defined() ? weight_BG * reward_BG : reward_BG)
      .mean(/*dim=*/1, /*keepdim=*/true);
}
inline torch::Tensor group_deviation(const torch::Tensor& reward_BG,
                                     const torch::Tensor& weight_BG) {
  if (!weight_BG.defined()) return reward_BG.std(/*dim=*/1, /*unbiased=*/true, /*keepdim=*/true);
  const torch::Tensor centred_BG = reward_BG - group_mean(reward_BG, weight_BG);
  return (weight_BG * centred_BG.square()).mean(/*dim=*/1, /*keepdim=*/true).sqrt();
}

// A = (r - mean of the group) / d. group_std: d is the group's standard deviation + 1e-4
// (MiniOneRec). batch_std: that of all rewards of the step + 1e-4, which is given. mean_only: 1
// (Dr. GRPO, arXiv 2503.20783).
inline torch::Tensor advantages(const torch::Tensor& reward_BG, const torch::Tensor& weight_BG,
                                const std::string& kind, double batch_deviation) {
  const torch::Tensor centred_BG = reward_BG - group_mean(reward_BG, weight_BG);
  if (kind == "mean_only") return centred_BG;
  if (kind == "batch_std") return centred_BG / (batch_deviation + kSmallestDeviation);
  return centred_BG / (group_deviation(reward_BG, weight_BG) + kSmallestDeviation);
}

// The standard deviation of all rewards, with their number - 1; each counts as much as its weight.
class BatchDeviation {
 public:
  void add(const torch::Tensor& reward_BG, const torch::Tensor& weight_BG) {
    const torch::Tensor reward_N = reward_BG.reshape({-1}).to(torch::kFloat64);
    reward_.push_back(reward_N);
    weight_.push_back(weight_BG.defined() ? weight_BG.reshape({-1}).to(torch::kFloat64)
                                          : torch::ones_like(reward_N));
  }
  double value() const {
    const torch::Tensor reward_N = torch::cat(reward_), weight_N = torch::cat(weight_);
    const torch::Tensor mean = (weight_N * reward_N).sum() / weight_N.sum();
    return ((weight_N * (reward_N - mean).square()).sum() / (weight_N.sum() - 1))
        .sqrt()
        .item<double>();
  }

 private:
  std::vector<torch::Tensor> reward_, weight_;
};

}  // namespace tsrec::grpo
