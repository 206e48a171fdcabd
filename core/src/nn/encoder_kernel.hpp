// The steps of an encoder's block between its products, each in one pass over plain memory: T is
// float or Bfloat16. Tests see two of them.
#pragma once

#include "simd.hpp"

namespace tsrec::nn {

// x = (x + branch - mean) / sqrt(variance + eps) scale + shift, rows of `width`, mean and variance
// of the row (Ba et al., 2016).
template <class T>
[[gnu::visibility("default")]] void norm_of_sum(T* x, const T* branch, const float* scale,
                                                const float* shift, int64_t rows, int64_t width,
                                                float eps);

// x = x (1 + erf(x / sqrt 2)) / 2, in absolute value within 5e-7 max(1, |x|).
template <class T>
[[gnu::visibility("default")]] void gelu(T* x, int64_t count);

// Attention of a text's tokens to all of its tokens, for processors with registers of 64 bytes:
// qkv [length, 3 heads width] with rows [q heads | k heads | v heads] -> out [length, heads width].
// bias: added to the scores, [heads, length, length], or null.
struct TextAttention {
  int64_t length, heads, width;
  int64_t scratch_floats() const;
};
template <class T>
void attend_text(const T* qkv, const TextAttention& shape, const float* bias, T* out,
                 float* scratch);

}  // namespace tsrec::nn
