#include "nn/encoder_kernel.hpp"

#include <cmath>
#include <vector>

#include "nn/float_row.hpp"
#include "nn/wide_tile.hpp"

namespace tsrec::nn {
namespace {

// erf as x P(x^2) / Q(x^2) on [-4, 4], beyond which it is 1 in float32; the coefficients are those
// of Eigen and XLA. Within 5e-7.
inline float fast_erf(float x) {
  x = x < -4.0f ? -4.0f : x;
  x = x > 4.0f ? 4.0f : x;
  const float z = x * x;
  float p = -2.72614225801306e-10f;
  p = p * z + 2.77068142495902e-08f;
  p = p * z + -2.10102402082508e-06f;
  p = p * z + -5.69250639462346e-05f;
  p = p * z + -7.34990630326855e-04f;
  p = p * z + -2.95459980854025e-03f;
  p = p * z + -1.60960333262415e-02f;
  float q = -1.45660718464996e-05f;
  q = q * z + -2.13374055278905e-04f;
  q = q * z + -1.68282697438203e-03f;
  q = q * z + -7.37332916720468e-03f;
  q = q * z + -1.42647390514189e-02f;
  return x * p / q;
}

TSREC_SIMD void gelu_row(float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    x[i] = 0.5f * x[i] * (1.0f + fast_erf(x[i] * 0.70710678118654752f));
}

[[gnu::always_inline]] inline float sum_of(const float* x, int64_t count) {
  float lanes[kLanes] = {};
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += x[i + l];
  }
  float sum = lane_sum(lanes);
  for (int64_t i = whole; i < count; ++i) sum += x[i];
  return sum;
}
// Sum of squares of numbers less `centre`.
[[gnu::always_inline]] inline float squares_of(const float* x, int64_t count, float centre) {
  float lanes[kLanes] = {};
  const int64_t whole = count / kLanes * kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += (x[i + l] - centre) * (x[i + l] - centre);
  }
  float sum = lane_sum(lanes);
  for (int64_t i = whole; i < count; ++i) sum += (x[i] - centre) * (x[i] - centre);
  return sum;
}

TSREC_SIMD void norm_row(float* x, const float* branch, const float* scale, const float* shift,
                         int64_t width, float eps) {
  for (int64_t d = 0; d < width; ++d) x[d] += branch[d];
  const auto count = static_cast<float>(width);
  const float mean = sum_of(x, width) / count;
  const float inverse = 1.0f / std::sqrt(squares_of(x, width, mean) / count + eps);
  for (int64_t d = 0; d < width; ++d) x[d] = (x[d] - mean) * inverse * scale[d] + shift[d];
}

// An odd number of cache lines, so that rows do not fall on each other in the cache.
int64_t key_stride_of(int64_t length) { return (in_lanes(length) / kLanes | 1) * kLanes; }

// A head's numbers as the two products of attention read them.
struct Head {
  int64_t key_stride, value_stride;  // floats between rows
  float* query;                      // [length, width], times 1 / sqrt(width)
  float* key_columns;                // [width, key_stride]
  float* value;                      // [length, value_stride]
  float* score;                      // [kTileRows, key_stride], and then weights
  float* result;                     // [kTileRows, value_stride]

  Head(const TextAttention& shape, float* scratch)
      : key_stride(key_stride_of(shape.length)),
        value_stride(in_lanes(shape.width)),
        query(scratch),
        key_columns(query + shape.length * shape.width),
        value(key_columns + shape.width * key_stride),
        score(value + shape.length * value_stride),
        result(score + kTileRows * key_stride) {}
};

template <class T>
TSREC_SIMD void gather(const T* qkv, const TextAttention& shape, int64_t h, const Head& head) {
  const int64_t width = shape.width, all = shape.heads * width, stride = 3 * all;
  const float scale = 1.0f / std::sqrt(static_cast<float>(width));
  const T *query = qkv + h * width, *key = query + all, *value = key + all;
  for (int64_t t = 0; t < shape.length; ++t) {
    for (int64_t d = 0; d < width; ++d)
      head.query[t * width + d] = scale * widened(query[t * stride + d]);
    float* row = head.value + t * head.value_stride;
    for (int64_t d = 0; d < width; ++d) row[d] = widened(value[t * stride + d]);
    for (int64_t d = width; d < head.value_stride; ++d) row[d] = 0;
  }
  // Blocks of whole cache lines on both sides.
  for (int64_t t = 0; t < shape.length; t += kLanes) {
    const int64_t rows = std::min(kLanes, shape.length - t);
    for (int64_t d = 0; d < width; d += kLanes) {
      const int64_t columns = std::min(kLanes, width - d);
      float block[kLanes][kLanes] = {};
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < columns; ++j) block[j][i] = widened(key[(t + i) * stride + d + j]);
      }
      for (int64_t j = 0; j < columns; ++j)
        std::copy_n(block[j], kLanes, head.key_columns + (d + j) * head.key_stride + t);
    }
  }
}

// Over the lanes of a register, in a tree: short rows wait for little else.
TSREC_AVX512 inline float sum_of_lanes(Wide x) {
  const Half half = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
                    __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
  const Quarter quarter = __builtin_shufflevector(half, half, 0, 1, 2, 3) +
                          __builtin_shufflevector(half, half, 4, 5, 6, 7);
  const Quarter pair = quarter + __builtin_shufflevector(quarter, quarter, 2, 3, 0, 1);
  return pair[0] + pair[1];
}
template <class Vector>
TSREC_AVX512 inline Vector larger(Vector a, Vector b) {
  return a > b ? a : b;
}
TSREC_AVX512 inline float largest_lane(Wide x) {
  const Half half = larger<Half>(__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7),
                                 __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15));
  const Quarter quarter = larger<Quarter>(__builtin_shufflevector(half, half, 0, 1, 2, 3),
                                          __builtin_shufflevector(half, half, 4, 5, 6, 7));
  const Quarter pair =
      larger<Quarter>(quarter, __builtin_shufflevector(quarter, quarter, 2, 3, 0, 1));
  return pair[0] > pair[1] ? pair[0] : pair[1];
}

// Exponentials of rows of scores, less the row's largest, and 1 / their sums. Behind `length`
// scores a row goes on to whole registers; what stands there counts nothing. Jump threading would
// make three loops of one with a clamped exponent.
__attribute__((optimize("no-thread-jumps"))) TSREC_AVX512 void exponentials(
    float* score, int64_t rows, int64_t length, int64_t stride, float* inverse) {
  using Integers = int32_t __attribute__((vector_size(64)));
  constexpr Integers kLane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  const int64_t keys = in_lanes(length), vectors = keys / kLanes;
  const Integers is_there = kLane < static_cast<int32_t>(length - (keys - kLanes));
  float largest[kTileRows];
  for (int64_t r = 0; r < rows; ++r) {
    auto* row = reinterpret_cast<Wide*>(score + r * stride);
    row[vectors - 1] = is_there ? row[vectors - 1] : Wide{} + kNone;
    Wide most = row[0];
    for (int64_t v = 1; v < vectors; ++v) most = larger<Wide>(most, row[v]);
    largest[r] = largest_lane(most);
  }
  for (int64_t r = 0; r < rows; ++r) {
    float* row = score + r * stride;
    for (int64_t j = 0; j < keys; ++j) row[j] = fast_exp(row[j] - largest[r]);
  }
  for (int64_t r = 0; r < rows; ++r) {
    const auto* row = reinterpret_cast<const Wide*>(score + r * stride);
    Wide sum = row[0];
    for (int64_t v = 1; v < vectors; ++v) sum += row[v];
    inverse[r] = 1.0f / sum_of_lanes(sum);
  }
}

TSREC_SIMD void add_bias(const float* bias, int64_t rows, int64_t length, int64_t stride,
                         float* score) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t j = 0; j < length; ++j) score[r * stride + j] += bias[r * length + j];
  }
}

// c = a b for a block of rows and any whole number of vectors.
void tiles(TileInputs in, int64_t rows, int64_t columns, float* c, int64_t c_stride) {
  for (int64_t column = 0; column < columns; column += kTileColumns) {
    compute_tile(in, rows, std::min(kTileColumns, columns - column) / kLanes, c + column, c_stride);
    in.b += kTileColumns;
  }
}

template <class T>
TSREC_SIMD void store_rows(const float* from, int64_t from_stride, const float* factor,
                           int64_t rows, int64_t width, T* to, int64_t to_stride) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t d = 0; d < width; ++d)
      store(from[r * from_stride + d] * factor[r], to[r * to_stride + d]);
  }
}

}  // namespace

template <class T>
void norm_of_sum(T* x, const T* branch, const float* scale, const float* shift, int64_t rows,
                 int64_t width, float eps) {
  FloatRow<T> row(width), added(width);
  for (int64_t r = 0; r < rows; ++r) {
    T* at = x + r * width;
    norm_row(row.change(at), added.read(branch + r * width), scale, shift, width, eps);
    row.store(at);
  }
}

template <class T>
void gelu(T* x, int64_t count) {
  constexpr int64_t kAtOnce = 1024;
  for (int64_t begin = 0; begin < count; begin += kAtOnce) {
    const int64_t width = std::min(kAtOnce, count - begin);
    FloatRow<T> row(width);
    gelu_row(row.change(x + begin), width);
    row.store(x + begin);
  }
}

int64_t TextAttention::scratch_floats() const {
  return length * (width + in_lanes(width)) + width * key_stride_of(length) +
         kTileRows * (key_stride_of(length) + in_lanes(width));
}

template <class T>
void attend_text(const T* qkv, const TextAttention& shape, const float* bias, T* out,
                 float* scratch) {
  const auto [length, heads, width] = shape;
  const Head head(shape, scratch);
  for (int64_t h = 0; h < heads; ++h) {
    gather(qkv, shape, h, head);
    for (int64_t first = 0; first < length; first += kTileRows) {
      const int64_t rows = std::min(kTileRows, length - first);
      tiles({head.query + first * width, width, head.key_columns, head.key_stride, width, nullptr},
            rows, in_lanes(length), head.score, head.key_stride);
      if (bias != nullptr)
        add_bias(bias + (h * length + first) * length, rows, length, head.key_stride, head.score);
      float inverse[kTileRows];
      exponentials(head.score, rows, length, head.key_stride, inverse);
      tiles({head.score, head.key_stride, head.value, head.value_stride, length, nullptr}, rows,
            head.value_stride, head.result, head.value_stride);
      store_rows(head.result, head.value_stride, inverse, rows, width,
                 out + (first * heads + h) * width, heads * width);
    }
  }
}

#define TSREC_INSTANTIATE(T)                                                                    \
  template void norm_of_sum(T*, const T*, const float*, const float*, int64_t, int64_t, float); \
  template void gelu(T*, int64_t);                                                              \
  template void attend_text(const T*, const TextAttention&, const float*, T*, float*);
TSREC_INSTANTIATE(float)
TSREC_INSTANTIATE(Bfloat16)
#undef TSREC_INSTANTIATE

}  // namespace tsrec::nn
