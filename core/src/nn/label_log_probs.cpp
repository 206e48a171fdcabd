#include "tsrec/nn/label_log_probs.hpp"

#include "tsrec/nn/transfer.hpp"
#include "tsrec/nn/work.hpp"

namespace tsrec::nn {

torch::Tensor label_log_probs(const LanguageModel& model, const PackedBatch& batch,
                              const ForwardOptions& options, Context& context) {
  const PackedBatch there = batch.to(context.device());
  const torch::Tensor hidden_RD = model.label_hidden(there, options);
  const Head head = model.head();
  count_work(model, there.num_tokens(), there.at_R.size(0), head.num_rows(), context);
  return label_log_prob(head, hidden_RD, there.label_R);
}

torch::Tensor label_log_probs(const LanguageModel& model, const Prefilled& prompts,
                              const PackedBatch& batch, Context& context, bool checkpoint) {
  const PackedBatch there = batch.to(context.device());
  ForwardOptions options;
  options.past = prompts.state;
  options.checkpoint = checkpoint;
  const torch::Tensor hidden_TD = torch::cat({model.hidden(there, options), prompts.last_BD});
  const Head head = model.head();
  const StateLabels labels = by_state(batch.at_R, batch.label_R);
  count_work(model, there.num_tokens(), labels.num_states(), head.num_rows(), context);
  return label_log_prob(head, hidden_TD, labels);
}

torch::Tensor row_log_prob_sums(const torch::Tensor& log_prob_R, const torch::Tensor& row_R,
                                int64_t num_rows) {
  return torch::zeros({num_rows}, log_prob_R.options().requires_grad(false))
      .index_add(0, to_device(row_R, log_prob_R.device()), log_prob_R);
}

torch::Tensor row_log_prob_means(const torch::Tensor& log_prob_R, const torch::Tensor& row_R,
                                 int64_t num_rows) {
  const torch::Tensor labels_N = torch::bincount(row_R, /*weights=*/{}, num_rows).clamp_min(1);
  return row_log_prob_sums(log_prob_R, row_R, num_rows) / to_device(labels_N, log_prob_R.device());
}

}  // namespace tsrec::nn
