#include "nn/elementwise_kernel.hpp"

#include <cmath>
#include <type_traits>
#include <vector>

#include "nn/float_row.hpp"

namespace tsrec::nn {
namespace {

// The first `whole` elements in lanes, the rest behind them.
template <class A, class B>
inline float dot(const A* a, const B* b, int64_t count) {
  float lanes[kLanes] = {};
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += widened(a[i + l]) * widened(b[i + l]);
  }
  float sum = lane_sum(lanes);
  for (int64_t i = whole; i < count; ++i) sum += widened(a[i]) * widened(b[i]);
  return sum;
}

}  // namespace

template <class T>
TSREC_SIMD void rms_norm_forward(const T* x, const T* weight, int64_t rows, int64_t width,
                                 float eps, T* y, float* inverse) {
  for (int64_t r = 0; r < rows; ++r) {
    const T* row = x + r * width;
    T* out = y + r * width;
    const float scale = 1.0f / std::sqrt(dot(row, row, width) / static_cast<float>(width) + eps);
    inverse[r] = scale;
    for (int64_t d = 0; d < width; ++d) store(widened(row[d]) * scale * widened(weight[d]), out[d]);
  }
}

// dx = s (g w) - x s^3 / D sum(g w x), s the row's inverse root.
template <class T>
TSREC_SIMD void rms_norm_backward(const T* x, const T* weight, const float* inverse,
                                  const T* y_gradient, int64_t rows, int64_t width, T* x_gradient,
                                  float* weight_gradient) {
  constexpr bool is_float = std::is_same_v<T, float>;
  std::vector<float> scratch(is_float ? 0 : static_cast<size_t>(width));
  for (int64_t r = 0; r < rows; ++r) {
    const T *row = x + r * width, *g = y_gradient + r * width;
    T* out = x_gradient + r * width;
    float* product;  // g w
    if constexpr (is_float) {
      product = out;
    } else {
      product = scratch.data();
    }
    const float s = inverse[r];
    for (int64_t d = 0; d < width; ++d) {
      product[d] = widened(g[d]) * widened(weight[d]);
      weight_gradient[d] += widened(g[d]) * widened(row[d]) * s;
    }
    const float shrink = s * s * s / static_cast<float>(width) * dot(product, row, width);
    for (int64_t d = 0; d < width; ++d) store(product[d] * s - widened(row[d]) * shrink, out[d]);
  }
}

template <class T>
TSREC_SIMD void rotate_forward(const T* qkv, const float* cos, const float* sin, int64_t rows,
                               const QkvShape& shape, T* q, T* k, T* v) {
  const int64_t half = shape.head_width / 2;
  for (int64_t r = 0; r < rows; ++r) {
    const T* row = qkv + r * shape.all();
    const float *c = cos + r * half, *s = sin + r * half;
    for (int64_t h = 0; h < shape.heads + shape.kv_heads; ++h) {
      const T* from = row + h * shape.head_width;
      T* to = h < shape.heads ? q + r * shape.query() + h * shape.head_width
                              : k + r * shape.key() + (h - shape.heads) * shape.head_width;
      for (int64_t i = 0; i < half; ++i) {
        store(widened(from[i]) * c[i] - widened(from[half + i]) * s[i], to[i]);
        store(widened(from[half + i]) * c[i] + widened(from[i]) * s[i], to[half + i]);
      }
    }
    const T* values = row + shape.query() + shape.key();
    for (int64_t i = 0; i < shape.key(); ++i) v[r * shape.key() + i] = values[i];
  }
}

template <class T>
TSREC_SIMD void rotate_backward(const T* q_gradient, const T* k_gradient, const T* v_gradient,
                                const float* cos, const float* sin, int64_t rows,
                                const QkvShape& shape, T* qkv_gradient) {
  const int64_t half = shape.head_width / 2;
  for (int64_t r = 0; r < rows; ++r) {
    const float *c = cos + r * half, *s = sin + r * half;
    T* row = qkv_gradient + r * shape.all();
    for (int64_t h = 0; h < shape.heads + shape.kv_heads; ++h) {
      const bool is_query = h < shape.heads;
      const T* base = is_query ? q_gradient : k_gradient;
      T* to = row + h * shape.head_width;
      if (base == nullptr) {
        for (int64_t i = 0; i < shape.head_width; ++i) to[i] = T{};
        continue;
      }
      const T* from = is_query ? base + r * shape.query() + h * shape.head_width
                               : base + r * shape.key() + (h - shape.heads) * shape.head_width;
      for (int64_t i = 0; i < half; ++i) {  // the inverse rotation
        store(widened(from[i]) * c[i] + widened(from[half + i]) * s[i], to[i]);
        store(widened(from[half + i]) * c[i] - widened(from[i]) * s[i], to[half + i]);
      }
    }
    T* values = row + shape.query() + shape.key();
    for (int64_t i = 0; i < shape.key(); ++i)
      values[i] = v_gradient == nullptr ? T{} : v_gradient[r * shape.key() + i];
  }
}

namespace {

// Jump threading would make three loops of one with a clamped exponent, at a quarter of the speed.
__attribute__((optimize("no-thread-jumps"))) TSREC_SIMD void swiglu_rows(const float* gate_up,
                                                                         int64_t rows,
                                                                         int64_t width, float* y) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *gate = gate_up + r * 2 * width, *up = gate + width;
    float* out = y + r * width;
    for (int64_t d = 0; d < width; ++d) {
      const float z = gate[d];
      out[d] = z / (1.0f + fast_exp(-z)) * up[d];
    }
  }
}

// silu'(z) = s + z s (1 - s), s the logistic of z.
TSREC_SIMD void swiglu_rows_backward(const float* gate_up, const float* y_gradient, int64_t rows,
                                     int64_t width, float* gate_up_gradient) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *gate = gate_up + r * 2 * width, *up = gate + width, *g = y_gradient + r * width;
    float *gate_out = gate_up_gradient + r * 2 * width, *up_out = gate_out + width;
    for (int64_t d = 0; d < width; ++d) {
      const float z = gate[d], s = 1.0f / (1.0f + fast_exp(-z)), y = g[d];
      up_out[d] = y * z * s;
      gate_out[d] = y * up[d] * (s + z * s * (1.0f - s));
    }
  }
}

}  // namespace

template <class T>
void swiglu_forward(const T* gate_up, int64_t rows, int64_t width, T* y) {
  if constexpr (std::is_same_v<T, float>) return swiglu_rows(gate_up, rows, width, y);
  FloatRow<T> gates(2 * width), result(width);
  for (int64_t r = 0; r < rows; ++r) {
    T* out = y + r * width;
    swiglu_rows(gates.read(gate_up + r * 2 * width), 1, width, result.write(out));
    result.store(out);
  }
}

template <class T>
void swiglu_backward(const T* gate_up, const T* y_gradient, int64_t rows, int64_t width,
                     T* gate_up_gradient) {
  if constexpr (std::is_same_v<T, float>)
    return swiglu_rows_backward(gate_up, y_gradient, rows, width, gate_up_gradient);
  FloatRow<T> gates(2 * width), incoming(width), result(2 * width);
  for (int64_t r = 0; r < rows; ++r) {
    T* out = gate_up_gradient + r * 2 * width;
    swiglu_rows_backward(gates.read(gate_up + r * 2 * width), incoming.read(y_gradient + r * width),
                         1, width, result.write(out));
    result.store(out);
  }
}

template <class T>
TSREC_SIMD void drop(const T* x, int64_t first, int64_t count, const DropoutMask& mask, T* y) {
  const DropoutMask of = mask;  // y may not change it
  for (int64_t i = 0; i < count; ++i) store(widened(x[i]) * kept_scale(of, first + i), y[i]);
}

template <class T>
TSREC_SIMD void add_dropped(const T* x, const T* branch, int64_t first, int64_t count,
                            const DropoutMask& mask, T* y) {
  const DropoutMask of = mask;
  for (int64_t i = 0; i < count; ++i)
    store(widened(x[i]) + widened(branch[i]) * kept_scale(of, first + i), y[i]);
}

TSREC_SIMD void widen(const Bfloat16* from, int64_t from_stride, int64_t rows, int64_t width,
                      float* to, int64_t to_stride) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t d = 0; d < width; ++d) to[r * to_stride + d] = widened(from[r * from_stride + d]);
  }
}

TSREC_SIMD void narrow(const float* from, int64_t from_stride, int64_t rows, int64_t width,
                       Bfloat16* to, int64_t to_stride) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t d = 0; d < width; ++d) store(from[r * from_stride + d], to[r * to_stride + d]);
  }
}

template <class T>
TSREC_SIMD void add_rounded(const float* x, int64_t count, T* sum) {
  for (int64_t i = 0; i < count; ++i) store(widened(sum[i]) + x[i], sum[i]);
}

template <class T>
TSREC_SIMD void add_widened(const T* x, int64_t count, float* sum) {
  for (int64_t i = 0; i < count; ++i) sum[i] += widened(x[i]);
}

template <class T>
TSREC_SIMD void adamw_update(const AdamWStep& step, const T* gradient, int64_t count, float* value,
                             float* m, float* v, T* rounded) {
  const AdamWStep s = step;
  for (int64_t i = 0; i < count; ++i) {
    const float g = widened(gradient[i]);
    m[i] = s.beta1 * m[i] + s.fresh1 * g;
    v[i] = s.beta2 * v[i] + s.fresh2 * g * g;
    value[i] -= s.rate * (m[i] / s.correction1) / (std::sqrt(v[i] / s.correction2) + s.eps);
  }
  for (int64_t i = 0; rounded != nullptr && i < count; ++i) store(value[i], rounded[i]);
}

template <class T>
TSREC_SIMD double sum_of_squares(const T* x, int64_t count) {
  double lanes[kLanes] = {};
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) {
      const double value = static_cast<double>(widened(x[i + l]));
      lanes[l] += value * value;
    }
  }
  double sum = 0;
  for (int64_t l = 0; l < kLanes; ++l) sum += lanes[l];
  for (int64_t i = whole; i < count; ++i)
    sum += static_cast<double>(widened(x[i])) * static_cast<double>(widened(x[i]));
  return sum;
}

#define TSREC_INSTANTIATE(T)                                                                       \
  template void rms_norm_forward(const T*, const T*, int64_t, int64_t, float, T*, float*);         \
  template void rms_norm_backward(const T*, const T*, const float*, const T*, int64_t, int64_t,    \
                                  T*, float*);                                                     \
  template void rotate_forward(const T*, const float*, const float*, int64_t, const QkvShape&, T*, \
                               T*, T*);                                                            \
  template void rotate_backward(const T*, const T*, const T*, const float*, const float*, int64_t, \
                                const QkvShape&, T*);                                              \
  template void swiglu_forward(const T*, int64_t, int64_t, T*);                                    \
  template void swiglu_backward(const T*, const T*, int64_t, int64_t, T*);                         \
  template void drop(const T*, int64_t, int64_t, const DropoutMask&, T*);                          \
  template void add_dropped(const T*, const T*, int64_t, int64_t, const DropoutMask&, T*);         \
  template void add_rounded(const float*, int64_t, T*);                                            \
  template void add_widened(const T*, int64_t, float*);                                            \
  template void adamw_update(const AdamWStep&, const T*, int64_t, float*, float*, float*, T*);     \
  template double sum_of_squares(const T*, int64_t);
TSREC_INSTANTIATE(float)
TSREC_INSTANTIATE(Bfloat16)
#undef TSREC_INSTANTIATE

}  // namespace tsrec::nn
