#include "nn/attention_kernel.hpp"

#include <algorithm>
#include <cmath>

#include "wide_lanes.hpp"

namespace tsrec::nn {
namespace {

constexpr int64_t kQueries = 16;  // that backward handles at once
constexpr int64_t kFour = 4;      // sums that share what they read

// Keys or values as columns, from column `ready` on: loops over keys then need no horizontal sums.
void transpose(const SegmentHead<float>& s, bool values, int64_t ready, int64_t stride,
               float* columns) {
  int64_t at = 0;
  for (int64_t p = 0; p <= s.num_past; ++p) {
    const KeyRun<float>& run = run_at(s, p);
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

#ifdef __x86_64__
// combine_block() for four sums and `Vectors` vectors of columns. A row is read once for all four,
// and no addition waits for one of the same row.
template <class Vector, int64_t Vectors>
TSREC_AVX512 void combine_four_block(const float* factor, int64_t factor_step,
                                     int64_t factor_stride, const float* rows, int64_t row_stride,
                                     int64_t count, float* out, int64_t out_step) {
  Vector sum[kFour][Vectors];
#pragma GCC unroll 16
  for (int64_t i = 0; i < kFour * Vectors; ++i) sum[i / Vectors][i % Vectors] = Vector{};
  for (int64_t r = 0; r < count; ++r) {
    const auto* row = reinterpret_cast<const Vector*>(rows + r * row_stride);
    const float* f = factor + r * factor_stride;
#pragma GCC unroll 4
    for (int64_t q = 0; q < kFour; ++q) {
#pragma GCC unroll 4
      for (int64_t v = 0; v < Vectors; ++v) sum[q][v] += f[q * factor_step] * row[v];
    }
  }
#pragma GCC unroll 4
  for (int64_t q = 0; q < kFour; ++q) {
    auto* to = reinterpret_cast<Vector*>(out + q * out_step);
#pragma GCC unroll 4
    for (int64_t v = 0; v < Vectors; ++v) to[v] += sum[q][v];
  }
}

// Columns in whole blocks of 8; returns how many that were.
TSREC_AVX512 int64_t combine_four(const float* factor, int64_t factor_step, int64_t factor_stride,
                                  const float* rows, int64_t row_stride, int64_t count,
                                  int64_t columns, float* out, int64_t out_step) {
  int64_t done = 0;
  const auto step = [&](auto block, int64_t width) {
    block(factor, factor_step, factor_stride, rows + done, row_stride, count, out + done, out_step);
    done += width;
  };
  while (columns - done >= 64) step(combine_four_block<Wide, 4>, 64);
  if (columns - done >= 48) step(combine_four_block<Wide, 3>, 48);
  if (columns - done >= 32) step(combine_four_block<Wide, 2>, 32);
  if (columns - done >= 16) step(combine_four_block<Wide, 1>, 16);
  if (columns - done >= 8) step(combine_four_block<Half, 1>, 8);
  return done;
}

const bool has_wide_registers = has_avx512();
#endif

// combine() for `sums` of them over the same rows: the factors of the next one are factor_step
// further, its result out_step. The numbers are those of one after the other.
void combine_each(const float* factor, int64_t factor_step, int64_t factor_stride,
                  const float* rows, int64_t row_stride, int64_t count, int64_t columns, float* out,
                  int64_t out_step, int64_t sums) {
  int64_t q = 0;
#ifdef __x86_64__
  for (; has_wide_registers && q + kFour <= sums; q += kFour) {
    const float* f = factor + q * factor_step;
    float* to = out + q * out_step;
    const int64_t done =
        combine_four(f, factor_step, factor_stride, rows, row_stride, count, columns, to, out_step);
    for (int64_t b = 0; done < columns && b < kFour; ++b)
      combine(f + b * factor_step, factor_stride, rows + done, row_stride, count, columns - done,
              to + b * out_step + done);
  }
#endif
  for (; q < sums; ++q)
    combine(factor + q * factor_step, factor_stride, rows, row_stride, count, columns,
            out + q * out_step);
}

inline void clear(float* x, int64_t count) {
  for (int64_t i = 0; i < count; ++i) x[i] = 0;
}

// score[b] [padded(seen of the query)] = q[b] k' for `count` queries behind each other, the first
// of which sees `seen` keys, and each one more than the one before it. Rows of both are a step
// apart.
void score_queries(const float* query, int64_t query_step, const float* key_columns, int64_t stride,
                   int64_t width, int64_t seen, int64_t count, float* score) {
  for (int64_t b = 0; b < count; ++b) clear(score + b * stride, padded(seen + b));
  for (int64_t first = 0; first < count; first += kFour) {
    const int64_t common = (seen + first) / kStep * kStep, end = std::min(count, first + kFour);
    combine_each(query + first * query_step, query_step, 1, key_columns, stride, width, common,
                 score + first * stride, stride, end - first);
    for (int64_t b = first; b < end; ++b)
      combine_padded(query + b * query_step, 1, key_columns + common, stride, width,
                     seen + b - common, score + b * stride + common);
  }
}

}  // namespace

template <>
AttentionScratchFloats attention_scratch_floats<float>(int64_t most_keys, int64_t width) {
  return {2 * padded(most_keys) * width, 2 * padded(most_keys) * kQueries};
}

TSREC_SIMD void attention_forward(const SegmentHead<float>& s, const float* query, float* out,
                                  float* log_sum, int64_t log_sum_stride,
                                  const AttentionScratch& scratch) {
  const int64_t keys = num_keys(s), before = keys - s.own.length,
                stride = padded(scratch.most_keys);
  float* columns = scratch.packed;
  float* score = scratch.work;
  transpose(s, /*values=*/false, scratch.ready, stride, columns);
  for (int64_t first = 0; first < s.own.length; first += kFour) {
    const int64_t count = std::min(kFour, s.own.length - first), most = before + first + count;
    score_queries(query + first * s.query_stride, s.query_stride, columns, stride, s.width,
                  before + first + 1, count, score);
    float inverse[kFour];
    for (int64_t b = 0; b < count; ++b) {
      const int64_t i = first + b, seen = before + i + 1;
      float* p = score + b * stride;
      const float largest = largest_of(p, seen);
      float sum = 0;
      for (int64_t j = 0; j < seen; ++j) p[j] = fast_exp(s.scale * (p[j] - largest));
      for (int64_t j = 0; j < seen; ++j) sum += p[j];
      clear(p + seen, most - seen);  // what a query does not see counts as zero below
      inverse[b] = 1 / sum;
      log_sum[i * log_sum_stride] = s.scale * largest + std::log(sum);
    }
    float* rows = out + first * s.query_stride;
    for (int64_t b = 0; b < count; ++b) clear(rows + b * s.query_stride, s.width);
    int64_t at = 0;
    for (int64_t p = 0; p <= s.num_past; ++p) {
      const KeyRun<float>& run = run_at(s, p);
      const int64_t length = p < s.num_past ? run.length : first + count;
      combine_each(score + at, stride, 1, run.value, s.key_stride, length, s.width, rows,
                   s.query_stride, count);
      at += length;
    }
    for (int64_t b = 0; b < count; ++b) {
      for (int64_t d = 0; d < s.width; ++d) rows[b * s.query_stride + d] *= inverse[b];
    }
  }
}

// p = exp(scale q k - log_sum), dp = g v, ds = scale p (dp - out g); then dq = ds k, dk = ds' q,
// dv = p' g. Rows of p and ds of a few queries are kept, so that each key row is written once for
// all of them.
TSREC_SIMD void attention_backward(const SegmentHead<float>& s, const float* query,
                                   const float* out, const float* log_sum, int64_t log_sum_stride,
                                   const float* out_gradient, float* query_gradient,
                                   const AttentionScratch& scratch) {
  const int64_t keys = num_keys(s), before = keys - s.own.length,
                stride = padded(scratch.most_keys);
  float* key_columns = scratch.packed;
  float* value_columns = key_columns + s.width * stride;
  float* weight = scratch.work;
  float* slope = weight + kQueries * stride;
  transpose(s, /*values=*/false, scratch.ready, stride, key_columns);
  transpose(s, /*values=*/true, scratch.ready, stride, value_columns);
  for (int64_t first = 0; first < s.own.length; first += kQueries) {
    const int64_t count = std::min(kQueries, s.own.length - first);
    score_queries(query + first * s.query_stride, s.query_stride, key_columns, stride, s.width,
                  before + first + 1, count, weight);
    score_queries(out_gradient + first * s.query_stride, s.query_stride, value_columns, stride,
                  s.width, before + first + 1, count, slope);
    for (int64_t b = 0; b < count; ++b) {
      const int64_t i = first + b, seen = before + i + 1;
      const float* gradient = out_gradient + i * s.query_stride;
      const float* result = out + i * s.query_stride;
      float* p = weight + b * stride;
      float* ds = slope + b * stride;
      float delta = 0;  // sum_j p_j dp_j = out . gradient
      for (int64_t d = 0; d < s.width; ++d) delta += result[d] * gradient[d];
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
    for (int64_t b = 0; b < count; ++b)
      clear(query_gradient + (first + b) * s.query_stride, s.width);
    int64_t at = 0;
    for (int64_t r = 0; r <= s.num_past; ++r) {
      const KeyRun<float>& run = run_at(s, r);
      const int64_t length = r < s.num_past ? run.length : std::min(run.length, first + count);
      combine_each(slope + at, stride, 1, run.key, s.key_stride, length, s.width,
                   query_gradient + first * s.query_stride, s.query_stride, count);
      combine_each(slope + at, 1, stride, queries, s.query_stride, count, s.width, run.key_gradient,
                   s.gradient_stride, length);
      combine_each(weight + at, 1, stride, gradients, s.query_stride, count, s.width,
                   run.value_gradient, s.gradient_stride, length);
      at += length;
    }
  }
}

}  // namespace tsrec::nn
