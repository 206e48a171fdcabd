// Estimates of KL(policy || reference) at the tokens of a rollout. p, q and o: log-probabilities of
// the policy, the reference and the policy that made the rollout.
//
// As terms of a loss their gradients differ more than their values do. Under tokens drawn from the
// policy, with the text before a token as given: that of k1 and of the exact divergence is the
// gradient of KL(policy || reference), that of k3 the gradient of KL(reference || policy).
#pragma once

#include "tsrec/torch.hpp"

namespace tsrec::grpo {

// k1 = e^(p - o) (p - q), where p - q has no gradient of its own: it is a penalty on what was said,
// like a reward. Its own gradient is 0 in expectation, but noise under draws, and under beams it
// would push down all of them.
inline torch::Tensor k1(const torch::Tensor& policy_R, const torch::Tensor& old_R,
                        const torch::Tensor& reference_R) {
  return (policy_R - old_R).exp() * (policy_R - reference_R).detach();
}

// k3 = e^(q - p) - (q - p) - 1 >= 0 (Schulman, 2020).
inline torch::Tensor k3(const torch::Tensor& policy_R, const torch::Tensor& reference_R) {
  const torch::Tensor difference_R = reference_R - policy_R;
  return difference_R.exp() - difference_R - 1;
}

}  // namespace tsrec::grpo
