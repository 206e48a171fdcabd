// From a packed batch to the log-probabilities of its labels, and of its rows' whole targets: what
// every loss over a model's text begins with.
#pragma once

#include "tsrec/nn/language_model.hpp"

namespace tsrec::nn {

// [R], float32, on the model's device: log softmax over the whole vocabulary at the batch's
// label_R, differentiable in the model. The work is counted.
TSREC_API torch::Tensor label_log_probs(const LanguageModel& model, const PackedBatch& batch,
                                        const ForwardOptions& options, Context& context);
// The same of a batch behind prompts. A label that the end of prompt b predicts has an at_R that
// counts on behind the batch's tokens (at_R = num_tokens + b). checkpoint: as in ForwardOptions.
TSREC_API torch::Tensor label_log_probs(const LanguageModel& model, const Prefilled& prompts,
                                        const PackedBatch& batch, Context& context,
                                        bool checkpoint = false);

// log p of whole targets, as preferences, distillation and rewards of texts need them: for each of
// rows 0 .. num_rows - 1 the sum over its labels, or their mean (0 for a row without a label).
// log_prob_R as label_log_probs() gives it for the batch with this row_R, on any device;
// [num_rows], float32, there, differentiable.
TSREC_API torch::Tensor row_log_prob_sums(const torch::Tensor& log_prob_R,
                                          const torch::Tensor& row_R, int64_t num_rows);
TSREC_API torch::Tensor row_log_prob_means(const torch::Tensor& log_prob_R,
                                           const torch::Tensor& row_R, int64_t num_rows);

}  // namespace tsrec::nn
