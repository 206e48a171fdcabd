#include "nn/attention_kernel.hpp"

#include <cmath>
#include <cstring>

// One source, three instruction sets, chosen when the library is loaded.
#define TSREC_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))

namespace tsrec::nn {
namespace {

int64_t num_keys(const SegmentHead& s) {
  int64_t keys = s.own.length;
  for (int64_t p = 0; p < s.num_past; ++p) keys += s.past[p].length;
  return keys;
}

// rows -> columns: the inner loops below then run over keys, without horizontal sums.
void transpose_run(const float* from, int64_t length, int64_t stride, int64_t width, float* to,
                   int64_t columns) {
  for (int64_t row = 0; row < length; ++row) {
    for (int64_t d = 0; d < width; ++d) to[d * columns + row] = from[row * stride + d];
  }
}

void transpose_all(const SegmentHead& s, bool values, float* to, int64_t columns) {
  int64_t at = 0;
  for (int64_t p = 0; p <= s.num_past; ++p) {
    const KeyRun& run = p < s.num_past ? s.past[p] : s.own;
    transpose_run(values ? run.value : run.key, run.length, s.key_stride, s.width, to + at,
                  columns);
    at += run.length;
  }
}

// out[j] = sum_d x[d] columns[d][j]
inline void products(const float* x, const float* columns, int64_t width, int64_t stride,
                     int64_t count, float* out) {
  std::memset(out, 0, static_cast<size_t>(count) * sizeof(float));
  for (int64_t d = 0; d < width; ++d) {
    const float factor = x[d];
    const float* column = columns + d * stride;
    for (int64_t j = 0; j < count; ++j) out[j] += factor * column[j];
  }
}

}  // namespace

int64_t attention_scratch(int64_t keys, int64_t width) { return keys * (2 * width + 2); }

TSREC_SIMD void attention_forward(const SegmentHead& s, const float* query, float* out,
                                  float* log_sum, int64_t log_sum_stride, float* scratch) {
  const int64_t keys = num_keys(s), before = keys - s.own.length;
  float* columns = scratch;
  float* score = scratch + 2 * s.width * keys;
  transpose_all(s, /*values=*/false, columns, keys);
  for (int64_t i = 0; i < s.own.length; ++i) {
    const int64_t seen = before + i + 1;
    products(query + i * s.query_stride, columns, s.width, keys, seen, score);
    float largest = -INFINITY;
    for (int64_t j = 0; j < seen; ++j) largest = score[j] > largest ? score[j] : largest;
    float sum = 0;
    for (int64_t j = 0; j < seen; ++j) {
      score[j] = std::exp(s.scale * (score[j] - largest));
      sum += score[j];
    }
    const float inverse = 1 / sum;
    float* row = out + i * s.query_stride;
    std::memset(row, 0, static_cast<size_t>(s.width) * sizeof(float));
    int64_t at = 0;
    for (int64_t p = 0; p <= s.num_past; ++p) {
      const KeyRun& run = p < s.num_past ? s.past[p] : s.own;
      const int64_t length = p < s.num_past ? run.length : i + 1;
      for (int64_t j = 0; j < length; ++j) {
        const float weight = score[at + j] * inverse;
        const float* value = run.value + j * s.key_stride;
        for (int64_t d = 0; d < s.width; ++d) row[d] += weight * value[d];
      }
      at += length;
    }
    log_sum[i * log_sum_stride] = s.scale * largest + std::log(sum);
  }
}

TSREC_SIMD void attention_backward(const SegmentHead& s, const float* query, const float* out,
                                   const float* log_sum, int64_t log_sum_stride,
                                   const float* out_gradient, float* query_gradient,
                                   float* scratch) {
  const int64_t keys = num_keys(s), before = keys - s.own.length;
  float* key_columns = scratch;
  float* value_columns = scratch + s.width * keys;
  float* weight = scratch + 2 * s.width * keys;
  float* slope = weight + keys;
  transpose_all(s, /*values=*/false, key_columns, keys);
  transpose_all(s, /*values=*/true, value_columns, keys);
  for (int64_t i = 0; i < s.own.length; ++i) {
    const int64_t seen = before + i + 1;
    const float* q = query + i * s.query_stride;
    const float* gradient = out_gradient + i * s.query_stride;
    const float* row = out + i * s.query_stride;
    float* q_gradient = query_gradient + i * s.query_stride;
    float delta = 0;  // sum_j p_j dp_j = out . gradient
    for (int64_t d = 0; d < s.width; ++d) delta += row[d] * gradient[d];
    products(q, key_columns, s.width, keys, seen, weight);
    products(gradient, value_columns, s.width, keys, seen, slope);
    const float shift = log_sum[i * log_sum_stride];
    for (int64_t j = 0; j < seen; ++j) {
      weight[j] = std::exp(s.scale * weight[j] - shift);
      slope[j] = s.scale * weight[j] * (slope[j] - delta);
    }
    int64_t at = 0;
    for (int64_t p = 0; p <= s.num_past; ++p) {
      const KeyRun& run = p < s.num_past ? s.past[p] : s.own;
      const int64_t length = p < s.num_past ? run.length : i + 1;
      for (int64_t j = 0; j < length; ++j) {
        const float w = weight[at + j], ds = slope[at + j];
        const float* key = run.key + j * s.key_stride;
        float* key_gradient = run.key_gradient + j * s.key_stride;
        float* value_gradient = run.value_gradient + j * s.key_stride;
        for (int64_t d = 0; d < s.width; ++d) {
          q_gradient[d] += ds * key[d];
          key_gradient[d] += ds * q[d];
          value_gradient[d] += w * gradient[d];
        }
      }
      at += length;
    }
  }
}

}  // namespace tsrec::nn
