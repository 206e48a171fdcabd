// The curves of a training: sums over the prompts of one step, and what they mean.
#pragma once

#include "groups.hpp"
#include "tsrec/context.hpp"

namespace tsrec::grpo {

// Of the groups of a rollout, all sums over prompts.
struct RolloutNumbers {
  explicit RolloutNumbers(size_t num_rewards) : reward(num_rewards, 0.0) {}

  std::vector<double> reward;  // of each function, unweighted, its mean over the group
  double total = 0;            // weighted sum of the rewards, its mean over the group
  double groups = 0;
  double zero_variance = 0;  // groups whose rewards are all equal
  double hits = 0;           // groups with the target's SID
  double advantage = 0;      // mean |A| of the group
  double entropy = 0;        // of the first code, in nats; not of a validation
  // Place of the target's SID among the distinct ones of its group, 1 the best; one more than the
  // group's completions where it is missing.
  std::vector<double> target_rank;

  void add(const RolloutNumbers& part);
  double mean_reward() const { return total / groups; }
  void report(const std::vector<std::string>& reward_names, int64_t step, Context& context) const;
};

// Of one update of a rollout.
struct UpdateNumbers {
  double loss = 0;
  double divergence = 0, labels = 0;      // sums over tokens, as much as their completions count
  double clipped = 0, clipped_of = 0;     // tokens that clipping keeps from moving, and all
  int64_t tokens = 0, prompt_tokens = 0;  // with a graph, of the largest part

  void add(const UpdateNumbers& part);
  void report(int64_t step, Context& context) const;
};

// [B]: as RolloutNumbers::target_rank. target_leaf_B: group of each target's SID.
std::vector<double> target_ranks(const torch::Tensor& leaf_BG,
                                 const std::vector<int64_t>& target_leaf_B);

// Of unsorted values; q in 0 .. 1, between neighbours linear.
double quantile(std::vector<double> values, double q);

}  // namespace tsrec::grpo
