// From a packed batch to the log-probabilities of its labels: what every loss over a model's text
// begins with.
#pragma once

#include "tsrec/nn/language_model.hpp"

namespace tsrec::nn {

// [R], float32, on the model's device: log softmax over the whole vocabulary at the batch's
// label_R, differentiable in the model. The work is counted.
TSREC_API torch::Tensor label_log_probs(const LanguageModel& model, const PackedBatch& batch,
                                        const ForwardOptions& options, Context& context);
// The same of a batch behind prompts. A label that the end of prompt b predicts has an at_R that
// counts on behind the batch's tokens (at_R = num_tokens + b).
TSREC_API torch::Tensor label_log_probs(const LanguageModel& model, const Prefilled& prompts,
                                        const PackedBatch& batch, Context& context);

}  // namespace tsrec::nn
