// What a gated recurrent unit does at one time to some sequences, on plain float32 memory.
#pragma once

#include <cstdint>

namespace tsrec::nn {

// Rows of `width` states, of 3 `width` inputs, products W h and biases (reset, update, new), and of
// 4 `width` numbers that are kept for backward: reset, update, new, and W_n h + b_n.
struct GruShape {
  int64_t rows, width;
};

void gru_forward(const GruShape& shape, const float* input, const float* product, const float* bias,
                 const float* before, float* kept, float* h);
// h_gradient becomes the part that reaches the state before directly, by the update gate; the rest
// reaches it through product_gradient.
void gru_backward(const GruShape& shape, const float* kept, const float* before, float* h_gradient,
                  float* input_gradient, float* product_gradient);

}  // namespace tsrec::nn
