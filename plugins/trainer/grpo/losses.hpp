// The losses, all of one form: the sum over tokens of weight * (-surrogate + kl * divergence).
//
//   grpo       rho A, rho = e^(p - o); mean over completions of the mean over their tokens
//              (MiniOneRec)
//   grpo_clip  the same of min(rho A, clip(rho, 1 - low, 1 + high) A) (arXiv 2402.03300)
//   dapo       clipped as well; mean over all tokens of the step (arXiv 2503.14476)
//   dr_grpo    clipped as well; a completion's tokens are summed and divided by the length of the
//              longest possible one (arXiv 2503.20783)
//   gspo       grpo_clip with one ratio for all tokens of a completion, e^(mean of p - o)
//              (arXiv 2507.18071)
#pragma once

#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/nn/transfer.hpp"

namespace tsrec::grpo {

struct LossOptions {
  std::string kind = "grpo";
  double epsilon_low = 0.2, epsilon_high = 0.2;
  double kl = 0;  // weight of the divergence

  bool clips() const { return kind != "grpo"; }
};

// Sizes of a whole step, of which the completions of one loss are a part.
struct BatchSize {
  double completions = 0;  // prompts times G
  double tokens = 0;       // as much as their completions count; read by dapo alone
  double longest = 0;      // tokens of the longest possible completion; read by dr_grpo alone
};

// The weight of each token of a completion. weight_C: how much completions count, 1 on the average.
inline torch::Tensor token_weights(const torch::Tensor& weight_C, const torch::Tensor& length_C,
                                   const BatchSize& batch, const std::string& kind) {
  if (kind == "dapo") return weight_C / batch.tokens;
  if (kind == "dr_grpo") return weight_C / (batch.completions * batch.longest);
  return weight_C / length_C / batch.completions;
}

// R: tokens, C: completions. Log-probabilities on the model's device, the rest on the CPU.
struct Completions {
  torch::Tensor policy_R;               // p, with a gradient
  torch::Tensor old_R;                  // o, without
  torch::Tensor divergence_R;           // undefined: no reference
  torch::Tensor row_R;                  // int64: the completion of each token
  torch::Tensor advantage_C, weight_C;  // weight_C: of each token, as token_weights() gives it
};

inline torch::Tensor of_tokens(const torch::Tensor& x_C, const Completions& completions) {
  return nn::to_device(x_C.index_select(0, completions.row_R), completions.policy_R.device());
}

inline torch::Tensor ratios(const Completions& completions, const LossOptions& options) {
  const torch::Tensor change_R = completions.policy_R - completions.old_R;
  if (options.kind != "gspo") return change_R.exp();
  const torch::Tensor row_R = nn::to_device(completions.row_R, change_R.device());
  return nn::row_log_prob_means(change_R, completions.row_R, completions.advantage_C.size(0))
      .index_select(0, row_R)
      .exp();
}

struct Loss {
  torch::Tensor value;    // a scalar
  torch::Tensor clipped;  // the share of tokens that clipping keeps from moving; no gradient
};

inline Loss loss_of(const Completions& completions, const LossOptions& options) {
  const torch::Tensor weight_R = of_tokens(completions.weight_C, completions);
  const torch::Tensor advantage_R = of_tokens(completions.advantage_C, completions);
  const torch::Tensor ratio_R = ratios(completions, options);
  torch::Tensor loss_R = -ratio_R * advantage_R, clipped;
  if (options.clips()) {
    const torch::Tensor kept_R =
        -ratio_R.clamp(1 - options.epsilon_low, 1 + options.epsilon_high) * advantage_R;
    clipped = (kept_R > loss_R).to(torch::kFloat32).mean();
    loss_R = torch::max(loss_R, kept_R);
  }
  if (completions.divergence_R.defined()) loss_R = loss_R + options.kl * completions.divergence_R;
  return {(loss_R * weight_R).sum(), clipped};
}

}  // namespace tsrec::grpo
