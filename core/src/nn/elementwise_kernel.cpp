#include "nn/elementwise_kernel.hpp"

#include <cmath>

#include "simd.hpp"

namespace tsrec::nn {
namespace {

// The first `whole` elements in lanes, the rest behind them.
inline float dot(const float* a, const float* b, int64_t count) {
  float lanes[kLanes] = {};
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += a[i + l] * b[i + l];
  }
  float sum = lane_sum(lanes);
  for (int64_t i = whole; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// 32 well-mixed bits of a counter (the finaliser of MurmurHash3 over two rounds).
inline uint32_t hashed(uint32_t seed_low, uint32_t seed_high, uint32_t index) {
  uint32_t h = index * 0x9E3779B1u ^ seed_low;
  h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
  h = (h ^ (h >> 13)) * 0xC2B2AE35u;
  h ^= seed_high;
  h = (h ^ (h >> 16)) * 0x7FEB352Du;
  h = (h ^ (h >> 15)) * 0x846CA68Bu;
  return h ^ (h >> 16);
}

inline float kept_scale(const Dropout& dropout, uint32_t index) {
  const uint32_t bits =
      hashed(static_cast<uint32_t>(dropout.seed), static_cast<uint32_t>(dropout.seed >> 32), index);
  const float uniform = static_cast<float>(static_cast<int32_t>(bits >> 8)) * 0x1p-24f;
  return uniform >= dropout.probability ? 1.0f / (1.0f - dropout.probability) : 0.0f;
}

}  // namespace

TSREC_SIMD void rms_norm_forward(const float* x, const float* weight, int64_t rows, int64_t width,
                                 float eps, float* y, float* inverse) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = x + r * width;
    float* out = y + r * width;
    const float scale = 1.0f / std::sqrt(dot(row, row, width) / static_cast<float>(width) + eps);
    inverse[r] = scale;
    for (int64_t d = 0; d < width; ++d) out[d] = row[d] * scale * weight[d];
  }
}

// dx = s (g w) - x s^3 / D sum(g w x), s the row's inverse root.
TSREC_SIMD void rms_norm_backward(const float* x, const float* weight, const float* inverse,
                                  const float* y_gradient, int64_t rows, int64_t width,
                                  float* x_gradient, float* weight_gradient) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *row = x + r * width, *g = y_gradient + r * width;
    float* out = x_gradient + r * width;
    const float s = inverse[r];
    for (int64_t d = 0; d < width; ++d) {
      out[d] = g[d] * weight[d];
      weight_gradient[d] += g[d] * row[d] * s;
    }
    const float shrink = s * s * s / static_cast<float>(width) * dot(out, row, width);
    for (int64_t d = 0; d < width; ++d) out[d] = out[d] * s - row[d] * shrink;
  }
}

TSREC_SIMD void rotate_forward(const float* qkv, const float* cos, const float* sin, int64_t rows,
                               const QkvShape& shape, float* q, float* k, float* v) {
  const int64_t half = shape.head_width / 2;
  for (int64_t r = 0; r < rows; ++r) {
    const float *row = qkv + r * shape.all(), *c = cos + r * half, *s = sin + r * half;
    for (int64_t h = 0; h < shape.heads + shape.kv_heads; ++h) {
      const float* from = row + h * shape.head_width;
      float* to = h < shape.heads ? q + r * shape.query() + h * shape.head_width
                                  : k + r * shape.key() + (h - shape.heads) * shape.head_width;
      for (int64_t i = 0; i < half; ++i) {
        to[i] = from[i] * c[i] - from[half + i] * s[i];
        to[half + i] = from[half + i] * c[i] + from[i] * s[i];
      }
    }
    const float* values = row + shape.query() + shape.key();
    for (int64_t i = 0; i < shape.key(); ++i) v[r * shape.key() + i] = values[i];
  }
}

TSREC_SIMD void rotate_backward(const float* q_gradient, const float* k_gradient,
                                const float* v_gradient, const float* cos, const float* sin,
                                int64_t rows, const QkvShape& shape, float* qkv_gradient) {
  const int64_t half = shape.head_width / 2;
  for (int64_t r = 0; r < rows; ++r) {
    const float *c = cos + r * half, *s = sin + r * half;
    float* row = qkv_gradient + r * shape.all();
    for (int64_t h = 0; h < shape.heads + shape.kv_heads; ++h) {
      const bool is_query = h < shape.heads;
      const float* base = is_query ? q_gradient : k_gradient;
      float* to = row + h * shape.head_width;
      if (base == nullptr) {
        for (int64_t i = 0; i < shape.head_width; ++i) to[i] = 0;
        continue;
      }
      const float* from = is_query ? base + r * shape.query() + h * shape.head_width
                                   : base + r * shape.key() + (h - shape.heads) * shape.head_width;
      for (int64_t i = 0; i < half; ++i) {  // the inverse rotation
        to[i] = from[i] * c[i] + from[half + i] * s[i];
        to[half + i] = from[half + i] * c[i] - from[i] * s[i];
      }
    }
    float* values = row + shape.query() + shape.key();
    for (int64_t i = 0; i < shape.key(); ++i)
      values[i] = v_gradient == nullptr ? 0.0f : v_gradient[r * shape.key() + i];
  }
}

TSREC_SIMD void swiglu_forward(const float* gate_up, int64_t rows, int64_t width, float* y) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *gate = gate_up + r * 2 * width, *up = gate + width;
    float* out = y + r * width;
    for (int64_t d = 0; d < width; ++d) out[d] = gate[d] / (1.0f + fast_exp(-gate[d])) * up[d];
  }
}

// silu'(z) = s + z s (1 - s), s the logistic of z.
TSREC_SIMD void swiglu_backward(const float* gate_up, const float* y_gradient, int64_t rows,
                                int64_t width, float* gate_up_gradient) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *gate = gate_up + r * 2 * width, *up = gate + width, *g = y_gradient + r * width;
    float *gate_out = gate_up_gradient + r * 2 * width, *up_out = gate_out + width;
    for (int64_t d = 0; d < width; ++d) {
      const float s = 1.0f / (1.0f + fast_exp(-gate[d])), z = gate[d];
      up_out[d] = g[d] * z * s;
      gate_out[d] = g[d] * up[d] * (s + z * s * (1.0f - s));
    }
  }
}

TSREC_SIMD void dropped_sum_forward(const float* x, const float* branch, int64_t first,
                                    int64_t count, const Dropout& dropout, float* y) {
  for (int64_t i = 0; i < count; ++i)
    y[i] = x[i] + branch[i] * kept_scale(dropout, static_cast<uint32_t>(first + i));
}

TSREC_SIMD void dropped_sum_backward(const float* y_gradient, int64_t first, int64_t count,
                                     const Dropout& dropout, float* branch_gradient) {
  for (int64_t i = 0; i < count; ++i)
    branch_gradient[i] = y_gradient[i] * kept_scale(dropout, static_cast<uint32_t>(first + i));
}

TSREC_SIMD void adamw_update(const AdamWStep& step, const float* gradient, int64_t count,
                             float* value, float* m, float* v) {
  const AdamWStep s = step;
  for (int64_t i = 0; i < count; ++i) {
    m[i] = s.beta1 * m[i] + s.fresh1 * gradient[i];
    v[i] = s.beta2 * v[i] + s.fresh2 * gradient[i] * gradient[i];
    value[i] -= s.rate * (m[i] / s.correction1) / (std::sqrt(v[i] / s.correction2) + s.eps);
  }
}

TSREC_SIMD double sum_of_squares(const float* x, int64_t count) {
  double lanes[kLanes] = {};
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l)
      lanes[l] += static_cast<double>(x[i + l]) * static_cast<double>(x[i + l]);
  }
  double sum = 0;
  for (int64_t l = 0; l < kLanes; ++l) sum += lanes[l];
  for (int64_t i = whole; i < count; ++i)
    sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

}  // namespace tsrec::nn
