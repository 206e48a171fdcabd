// From a packed batch to the log-probabilities of its labels: what every loss over a model's text
// begins with.
#pragma once

#include "tsrec/nn/causal_lm.hpp"
#include "tsrec/nn/transfer.hpp"
#include "tsrec/nn/work.hpp"

namespace tsrec::nn {

// [R], float32, on the model's device: log softmax over the whole vocabulary at the batch's
// label_R, differentiable in the model. The work is counted. Model: Backbone or CausalLm.
//
// prompt_end_BD: hidden states at the ends of prompts that stand in options.past; where one of them
// predicts a label, its at_R counts on behind the batch's tokens (at_R = num_tokens + b).
template <class Model>
torch::Tensor label_log_probs(const Model& model, const PackedBatch& batch,
                              const ForwardOptions& options, Context& context,
                              const torch::Tensor& prompt_end_BD = {}) {
  const PackedBatch there = batch.to(context.device());
  torch::Tensor hidden_TD = model.hidden(there, options);
  const Head head = model.head();
  count_work(model, there.num_tokens(), there.at_R.size(0), head.weight_VD.size(0), context);
  if (prompt_end_BD.defined()) hidden_TD = torch::cat({hidden_TD, prompt_end_BD});
  return label_log_prob(head, hidden_TD.index_select(0, there.at_R), there.label_R);
}

}  // namespace tsrec::nn
