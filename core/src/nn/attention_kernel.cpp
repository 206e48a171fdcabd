#include "nn/attention_kernel.hpp"

#include <algorithm>
#include <cmath>

#include "simd.hpp"

namespace tsrec::nn {
namespace {

constexpr int64_t kQueries = 16;  // that backward handles at once

int64_t num_keys(const SegmentHead& s) {
  int64_t keys = s.own.length;
  for (int64_t p = 0; p < s.num_past; ++p) keys += s.past[p].length;
  return keys;
}

const KeyRun& run_at(const SegmentHead& s, int64_t p) { return p < s.num_past ? s.past[p] : s.own; }

// Keys or values as columns, from column `ready` on: loops over keys then need no horizontal sums.
void transpose(const SegmentHead& s, bool values, int64_t ready, int64_t stride, float* columns) {
  int64_t at = 0;
  for (int64_t p = 0; p <= s.num_past; ++p) {
    const KeyRun& run = run_at(s, p);
    const float* from = values ? run.value : run.key;
    for (int64_t row = std::max<int64_t>(0, ready - at); row < run.length; ++row) {
      for (int64_t d = 0; d < s.width; ++d)
        columns[d * stride + at + row] = from[row * s.key_stride + d];
    }
    at += run.length;
  }
}

// out[c] += sum over r of factor[r factor_stride] rows[r row_stride + c] for a block of columns,
// which stays in registers while the rows go by; then on to the columns behind it.
template <int64_t Block, bool IsFused = true>
[[gnu::always_inline]] inline void combine_block(const float* factor, int64_t factor_stride,
                                                 const float*& rows, int64_t row_stride,
                                                 int64_t count, float*& out) {
  float sum[Block] = {};
  for (int64_t r = 0; r < count; ++r) {
    const float f = factor[r * factor_stride];
    const float* row = rows + r * row_stride;
    for (int64_t c = 0; c < Block; ++c) {
      if constexpr (IsFused) {
        sum[c] += f * row[c];
      } else {
        sum[c] += rounded(f * row[c]);
      }
    }
  }
  for (int64_t c = 0; c < Block; ++c) out[c] += sum[c];
  rows += Block;
  out += Block;
}

// The same for `columns` of them. A row's addition waits for that of the row before, whatever the
// block's width: so as few blocks as there can be, and single columns only where they are less than
// kStep.
constexpr int64_t kStep = 8;
TSREC_SIMD void combine(const float* factor, int64_t factor_stride, const float* rows,
                        int64_t row_stride, int64_t count, int64_t columns, float* out) {
  for (; columns >= 64; columns -= 64)
    combine_block<64>(factor, factor_stride, rows, row_stride, count, out);
  switch (columns / kStep) {
    case 7:
      combine_block<56>(factor, factor_stride, rows, row_stride, count, out);
      break;
    case 6:
      combine_block<48>(factor, factor_stride, rows, row_stride, count, out);
      break;
    case 5:
      combine_block<40>(factor, factor_stride, rows, row_stride, count, out);
      break;
    case 4:
      combine_block<32>(factor, factor_stride, rows, row_stride, count, out);
      break;
    case 3:
      combine_block<24>(factor, factor_stride, rows, row_stride, count, out);
      break;
    case 2:
      combine_block<16>(factor, factor_stride, rows, row_stride, count, out);
      break;
    case 1:
      combine_block<8>(factor, factor_stride, rows, row_stride, count, out);
      break;
    default:
      break;
  }
  for (columns %= kStep; columns > 0; --columns)
    combine_block<1>(factor, factor_stride, rows, row_stride, count, out);
}

// Columns of the scratch are padded, so that the last ones are a block there as well. Single steps
// round a product before they add it, and so does this block: the numbers are theirs.
constexpr int64_t padded(int64_t columns) { return (columns + kStep - 1) / kStep * kStep; }

TSREC_SIMD void combine_padded(const float* factor, int64_t factor_stride, const float* rows,
                               int64_t row_stride, int64_t count, int64_t columns, float* out) {
  const int64_t whole = columns / kStep * kStep;
  combine(factor, factor_stride, rows, row_stride, count, whole, out);
  if (whole == columns) return;
  rows += whole;
  out += whole;
  combine_block<kStep, /*IsFused=*/false>(factor, factor_stride, rows, row_stride, count, out);
}

inline void clear(float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] = 0;
}

}  // namespace

int64_t attention_scratch_floats(int64_t most_keys, int64_t width) {
  return padded(most_keys) * (2 * width + 2 * kQueries);
}

TSREC_SIMD void attention_forward(const SegmentHead& s, const float* query, float* out,
                                  float* log_sum, int64_t log_sum_stride,
                                  const AttentionScratch& scratch) {
  const int64_t keys = num_keys(s), before = keys - s.own.length,
                stride = padded(scratch.most_keys);
  float* columns = scratch.memory;
  float* score = columns + 2 * s.width * stride;
  transpose(s, /*values=*/false, scratch.ready, stride, columns);
  for (int64_t i = 0; i < s.own.length; ++i) {
    const int64_t seen = before + i + 1;
    clear(score, padded(seen));
    combine_padded(query + i * s.query_stride, 1, columns, stride, s.width, seen, score);
    const float largest = largest_of(score, seen);
    float sum = 0;
    for (int64_t j = 0; j < seen; ++j) score[j] = fast_exp(s.scale * (score[j] - largest));
    for (int64_t j = 0; j < seen; ++j) sum += score[j];
    const float inverse = 1 / sum;
    float* row = out + i * s.query_stride;
    clear(row, s.width);
    int64_t at = 0;
    for (int64_t p = 0; p <= s.num_past; ++p) {
      const KeyRun& run = run_at(s, p);
      const int64_t length = p < s.num_past ? run.length : i + 1;
      combine(score + at, 1, run.value, s.key_stride, length, s.width, row);
      at += length;
    }
    for (int64_t d = 0; d < s.width; ++d) row[d] *= inverse;
    log_sum[i * log_sum_stride] = s.scale * largest + std::log(sum);
  }
}

// p = exp(scale q k - log_sum), dp = g v, ds = scale p (dp - out g); then dq = ds k, dk = ds' q,
// dv = p' g. Rows of p and ds of a few queries are kept, so that each key row is written once for
// all of them.
TSREC_SIMD void attention_backward(const SegmentHead& s, const float* query, const float* out,
                                   const float* log_sum, int64_t log_sum_stride,
                                   const float* out_gradient, float* query_gradient,
                                   const AttentionScratch& scratch) {
  const int64_t keys = num_keys(s), before = keys - s.own.length,
                stride = padded(scratch.most_keys);
  float* key_columns = scratch.memory;
  float* value_columns = key_columns + s.width * stride;
  float* weight = value_columns + s.width * stride;
  float* slope = weight + kQueries * stride;
  transpose(s, /*values=*/false, scratch.ready, stride, key_columns);
  transpose(s, /*values=*/true, scratch.ready, stride, value_columns);
  for (int64_t first = 0; first < s.own.length; first += kQueries) {
    const int64_t count = std::min(kQueries, s.own.length - first);
    for (int64_t b = 0; b < count; ++b) {
      const int64_t i = first + b, seen = before + i + 1;
      const float* gradient = out_gradient + i * s.query_stride;
      const float* result = out + i * s.query_stride;
      float* p = weight + b * stride;
      float* ds = slope + b * stride;
      float delta = 0;  // sum_j p_j dp_j = out . gradient
      for (int64_t d = 0; d < s.width; ++d) delta += result[d] * gradient[d];
      clear(p, padded(seen));
      clear(ds, padded(seen));
      combine_padded(query + i * s.query_stride, 1, key_columns, stride, s.width, seen, p);
      combine_padded(gradient, 1, value_columns, stride, s.width, seen, ds);
      const float shift = log_sum[i * log_sum_stride];
      for (int64_t j = 0; j < seen; ++j) {
        p[j] = fast_exp(s.scale * p[j] - shift);
        ds[j] = s.scale * p[j] * (ds[j] - delta);
      }
      clear(p + seen, keys - seen);  // what a query does not see counts as zero below
      clear(ds + seen, keys - seen);
    }
    const float* queries = query + first * s.query_stride;
    const float* gradients = out_gradient + first * s.query_stride;
    int64_t at = 0;
    for (int64_t r = 0; r <= s.num_past; ++r) {
      const KeyRun& run = run_at(s, r);
      const int64_t length = r < s.num_past ? run.length : std::min(run.length, first + count);
      for (int64_t b = 0; b < count; ++b)
        combine(slope + b * stride + at, 1, run.key, s.key_stride, length, s.width,
                query_gradient + (first + b) * s.query_stride);
      for (int64_t j = 0; j < length; ++j) {
        combine(slope + at + j, stride, queries, s.query_stride, count, s.width,
                run.key_gradient + j * s.key_stride);
        combine(weight + at + j, stride, gradients, s.query_stride, count, s.width,
                run.value_gradient + j * s.key_stride);
      }
      at += length;
    }
  }
}

}  // namespace tsrec::nn
