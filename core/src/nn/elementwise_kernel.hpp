// The element-wise steps of a decoder block and of AdamW, each in one pass over plain float32
// memory.
#pragma once

#include <cstdint>

namespace tsrec::nn {

// y = x w / sqrt(mean(x^2) + eps), rows of `width`; inverse: one number per row, kept for backward.
void rms_norm_forward(const float* x, const float* weight, int64_t rows, int64_t width, float eps,
                      float* y, float* inverse);
// Writes x_gradient and adds to weight_gradient.
void rms_norm_backward(const float* x, const float* weight, const float* inverse,
                       const float* y_gradient, int64_t rows, int64_t width, float* x_gradient,
                       float* weight_gradient);

// Cuts rows [q heads | k heads | v heads] of `head_width` into q, k and v and rotates q and k by
// their positions (cos, sin: [rows, head_width / 2]).
struct QkvShape {
  int64_t heads, kv_heads, head_width;
  int64_t query() const { return heads * head_width; }
  int64_t key() const { return kv_heads * head_width; }
  int64_t all() const { return query() + 2 * key(); }
};
void rotate_forward(const float* qkv, const float* cos, const float* sin, int64_t rows,
                    const QkvShape& shape, float* q, float* k, float* v);
// A missing gradient is null and counts as zero.
void rotate_backward(const float* q_gradient, const float* k_gradient, const float* v_gradient,
                     const float* cos, const float* sin, int64_t rows, const QkvShape& shape,
                     float* qkv_gradient);

// y = silu(gate) up for rows [gate | up] of 2 `width`.
void swiglu_forward(const float* gate_up, int64_t rows, int64_t width, float* y);
void swiglu_backward(const float* gate_up, const float* y_gradient, int64_t rows, int64_t width,
                     float* gate_up_gradient);

// y = x + branch keep / (1 - p). Whether element i is kept is a hash of (seed, first + i): backward
// draws it again instead of reading a mask.
struct Dropout {
  uint64_t seed;
  float probability;
};
void dropped_sum_forward(const float* x, const float* branch, int64_t first, int64_t count,
                         const Dropout& dropout, float* y);
void dropped_sum_backward(const float* y_gradient, int64_t first, int64_t count,
                          const Dropout& dropout, float* branch_gradient);

// One update of decoupled AdamW on `count` numbers. fresh: 1 - beta, computed in double precision;
// correction: 1 - beta^steps.
struct AdamWStep {
  float rate, beta1, beta2, fresh1, fresh2, eps, correction1, correction2;
};
void adamw_update(const AdamWStep& step, const float* gradient, int64_t count, float* value,
                  float* m, float* v);

double sum_of_squares(const float* x, int64_t count);

}  // namespace tsrec::nn
