// What a forward pass costs, counted where it happens: the report sets it against the machine.
#pragma once

#include "tsrec/nn/language_model.hpp"

namespace tsrec::nn {

// Counts "token_forwards", "head_rows" and "flops": the matrix products of the body for each token,
// and of the head for `rows` hidden states against `columns` rows of the vocabulary. Where
// gradients are recorded the backward pass is counted as well: twice the forward, less what frozen
// weights save. Attention, which is small beside them at these lengths, is left out, and so is
// whatever a backward pass computes again.
TSREC_API void count_work(const LanguageModel& model, int64_t tokens, int64_t rows, int64_t columns,
                          Context& context);

}  // namespace tsrec::nn
