// The element-wise steps of a decoder block and of AdamW, each in one pass over plain memory: T is
// float or Bfloat16.
#pragma once

#include "simd.hpp"
#include "tsrec/nn/dropout_mask.hpp"

namespace tsrec::nn {

// y = x w / sqrt(mean(x^2) + eps), rows of `width`; inverse: one number per row, kept for backward.
template <class T>
void rms_norm_forward(const T* x, const T* weight, int64_t rows, int64_t width, float eps, T* y,
                      float* inverse);
// Writes x_gradient and adds to weight_gradient.
template <class T>
void rms_norm_backward(const T* x, const T* weight, const float* inverse, const T* y_gradient,
                       int64_t rows, int64_t width, T* x_gradient, float* weight_gradient);

// Cuts rows [q heads | k heads | v heads] of `head_width` into q, k and v and rotates q and k by
// their positions (cos, sin: [rows, head_width / 2]).
struct QkvShape {
  int64_t heads, kv_heads, head_width;
  int64_t query() const { return heads * head_width; }
  int64_t key() const { return kv_heads * head_width; }
  int64_t all() const { return query() + 2 * key(); }
};
template <class T>
void rotate_forward(const T* qkv, const float* cos, const float* sin, int64_t rows,
                    const QkvShape& shape, T* q, T* k, T* v);
// A missing gradient is null and counts as zero.
template <class T>
void rotate_backward(const T* q_gradient, const T* k_gradient, const T* v_gradient,
                     const float* cos, const float* sin, int64_t rows, const QkvShape& shape,
                     T* qkv_gradient);

// y = silu(gate) up for rows [gate | up] of 2 `width`.
template <class T>
void swiglu_forward(const T* gate_up, int64_t rows, int64_t width, T* y);
template <class T>
void swiglu_backward(const T* gate_up, const T* y_gradient, int64_t rows, int64_t width,
                     T* gate_up_gradient);

// y = x kept_scale and y = x + branch kept_scale, of `count` numbers at the places from `first` on.
template <class T>
void drop(const T* x, int64_t first, int64_t count, const DropoutMask& mask, T* y);
template <class T>
void add_dropped(const T* x, const T* branch, int64_t first, int64_t count, const DropoutMask& mask,
                 T* y);

// Rows of `width` numbers, `from_stride` and `to_stride` apart, from one type of memory to the
// other.
void widen(const Bfloat16* from, int64_t from_stride, int64_t rows, int64_t width, float* to,
           int64_t to_stride);
void narrow(const float* from, int64_t from_stride, int64_t rows, int64_t width, Bfloat16* to,
            int64_t to_stride);

// sum += x, in either type of memory.
template <class T>
void add_rounded(const float* x, int64_t count, T* sum);
template <class T>
void add_widened(const T* x, int64_t count, float* sum);

// One update of decoupled AdamW on `count` float32 numbers, by a gradient in either type. fresh: 1
// - beta, computed in double precision; correction: 1 - beta^steps. rounded: null, or where the new
// values go as well.
struct AdamWStep {
  float rate, beta1, beta2, fresh1, fresh2, eps, correction1, correction2;
};
template <class T>
void adamw_update(const AdamWStep& step, const T* gradient, int64_t count, float* value, float* m,
                  float* v, T* rounded);

template <class T>
double sum_of_squares(const T* x, int64_t count);

}  // namespace tsrec::nn
