// What a forward pass costs, counted where it happens: the report sets it against the machine.
#pragma once

#include "tsrec/context.hpp"

namespace tsrec::nn {

// Counts "token_forwards", "head_rows" and "flops": the matrix products of the body for each token,
// and of the head for `rows` hidden states against `columns` rows of the vocabulary. Where
// gradients are recorded the backward pass is counted as well, as twice the forward. Attention,
// which is small beside them at these lengths, is left out, and so is whatever a backward pass
// computes again. Model: Backbone or CausalLm.
template <class Model>
void count_work(const Model& model, int64_t tokens, int64_t rows, int64_t columns,
                Context& context) {
  const double passes = at::GradMode::is_enabled() ? 3 : 1;
  const auto width = static_cast<double>(model.head().weight_VD.size(1));
  const double head = 2 * width * static_cast<double>(rows) * static_cast<double>(columns);
  context.count("token_forwards", tokens);
  context.count("head_rows", rows);
  context.count("flops",
                static_cast<int64_t>(
                    passes * (model.flops_per_token() * static_cast<double>(tokens) + head)));
}

}  // namespace tsrec::nn
