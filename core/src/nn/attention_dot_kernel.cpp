#include "nn/attention_dot_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#ifdef __x86_64__
// GCC 12 takes the registers that its own header leaves undefined for a mistake.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

namespace tsrec::nn {

#ifdef __x86_64__
#define TSREC_DOTS __attribute__((target("arch=x86-64-v4,avx512bf16")))

namespace {

// Two bfloat16 numbers whose products with two others are added at once, the first in the lower
// half. They may lie anywhere.
using Pair = uint32_t __attribute__((aligned(2), may_alias));

constexpr int64_t kVector = 16;  // floats, or pairs, of a register
constexpr int64_t kRows = 6;     // of a tile of sums: 6 x 4 registers of 32
constexpr int64_t kVectors = 4;
constexpr int64_t kQueries = 64;  // that backward handles at once; even

constexpr int64_t vectors_of(int64_t count) { return (count + kVector - 1) / kVector; }
constexpr int64_t pairs_of(int64_t count) { return (count + 1) / 2; }
// Whole registers of columns, and one more: new columns are written 16 at a time from anywhere.
constexpr int64_t column_stride(int64_t most_keys) { return (vectors_of(most_keys) + 1) * kVector; }

const Pair* pairs(const Bfloat16* numbers) { return reinterpret_cast<const Pair*>(numbers); }

// --- products of pairs ---------------------------------------------------------------------------

// A matrix of pairs: pair k of row r is at[r row + k step].
struct Factors {
  const Pair* at;
  int64_t row, step;
};

// out[r][c] (+)= sum over k of factors[r][k] . columns[k][c] for a tile, which stays in registers.
template <int64_t Rows, int64_t Vectors>
TSREC_DOTS void product_tile(const Factors& factors, const Pair* columns, int64_t column_step,
                             int64_t depth, float* out, int64_t out_step, bool adds) {
  __m512 sum[Rows][Vectors];
#pragma GCC unroll 32
  for (int64_t i = 0; i < Rows * Vectors; ++i) {
    const int64_t r = i / Vectors, v = i % Vectors;
    sum[r][v] = adds ? _mm512_loadu_ps(out + r * out_step + v * kVector) : _mm512_setzero_ps();
  }
  for (int64_t k = 0; k < depth; ++k) {
    __m512i column[Vectors];
#pragma GCC unroll 4
    for (int64_t v = 0; v < Vectors; ++v)
      column[v] = _mm512_loadu_si512(columns + k * column_step + v * kVector);
#pragma GCC unroll 6
    for (int64_t r = 0; r < Rows; ++r) {
      const Pair pair = factors.at[r * factors.row + k * factors.step];
      const auto factor = (__m512bh)_mm512_set1_epi32(static_cast<int>(pair));
#pragma GCC unroll 4
      for (int64_t v = 0; v < Vectors; ++v)
        sum[r][v] = _mm512_dpbf16_ps(sum[r][v], factor, (__m512bh)column[v]);
    }
  }
#pragma GCC unroll 32
  for (int64_t i = 0; i < Rows * Vectors; ++i) {
    const int64_t r = i / Vectors, v = i % Vectors;
    _mm512_storeu_ps(out + r * out_step + v * kVector, sum[r][v]);
  }
}

using Tile = void (*)(const Factors&, const Pair*, int64_t, int64_t, float*, int64_t, bool);
#define TSREC_TILES(rows) \
  { product_tile<rows, 1>, product_tile<rows, 2>, product_tile<rows, 3>, product_tile<rows, 4> }
constexpr Tile kTiles[kRows][kVectors] = {TSREC_TILES(1), TSREC_TILES(2), TSREC_TILES(3),
                                          TSREC_TILES(4), TSREC_TILES(5), TSREC_TILES(6)};
#undef TSREC_TILES

// The same for all `rows` and `vectors` of columns. The sum of a number is in one order, whatever
// its tile.
void product(Factors factors, const Pair* columns, int64_t column_step, int64_t depth, int64_t rows,
             int64_t vectors, float* out, int64_t out_step, bool adds) {
  for (; rows > 0; rows -= kRows) {
    const int64_t height = std::min(rows, kRows);
    for (int64_t v = 0; v < vectors; v += kVectors) {
      const int64_t width = std::min(vectors - v, kVectors);
      kTiles[height - 1][width - 1](factors, columns + v * kVector, column_step, depth,
                                    out + v * kVector, out_step, adds);
    }
    factors.at += height * factors.row;
    out += height * out_step;
  }
}

// --- what the products read ----------------------------------------------------------------------

// to[d][r] = from[r][d], 16 x 16 pairs.
TSREC_DOTS void transpose(const Pair* const* from, int64_t d, int64_t rows, Pair* to,
                          int64_t stride) {
  __m512i x[kVector], y[kVector];
#pragma GCC unroll 16
  for (int64_t r = 0; r < kVector; ++r)
    x[r] = r < rows ? _mm512_loadu_si512(from[r] + d) : _mm512_setzero_si512();
#pragma GCC unroll 8
  for (int64_t r = 0; r < kVector; r += 2) {
    y[r] = _mm512_unpacklo_epi32(x[r], x[r + 1]);
    y[r + 1] = _mm512_unpackhi_epi32(x[r], x[r + 1]);
  }
#pragma GCC unroll 4
  for (int64_t r = 0; r < kVector; r += 4) {
    x[r] = _mm512_unpacklo_epi64(y[r], y[r + 2]);
    x[r + 1] = _mm512_unpackhi_epi64(y[r], y[r + 2]);
    x[r + 2] = _mm512_unpacklo_epi64(y[r + 1], y[r + 3]);
    x[r + 3] = _mm512_unpackhi_epi64(y[r + 1], y[r + 3]);
  }
  // x[4 g + c] holds columns c, c + 4, c + 8 and c + 12 of rows 4 g to 4 g + 3.
#pragma GCC unroll 4
  for (int64_t c = 0; c < 4; ++c) {
    const __m512i low = _mm512_shuffle_i32x4(x[c], x[4 + c], 0x88),
                  high = _mm512_shuffle_i32x4(x[c], x[4 + c], 0xdd),
                  low2 = _mm512_shuffle_i32x4(x[8 + c], x[12 + c], 0x88),
                  high2 = _mm512_shuffle_i32x4(x[8 + c], x[12 + c], 0xdd);
    _mm512_storeu_si512(to + c * stride, _mm512_shuffle_i32x4(low, low2, 0x88));
    _mm512_storeu_si512(to + (c + 4) * stride, _mm512_shuffle_i32x4(high, high2, 0x88));
    _mm512_storeu_si512(to + (c + 8) * stride, _mm512_shuffle_i32x4(low, low2, 0xdd));
    _mm512_storeu_si512(to + (c + 12) * stride, _mm512_shuffle_i32x4(high, high2, 0xdd));
  }
}

// Up to 16 rows of pairs as columns: columns[d][r] = from[r][d].
void write_columns(const Pair* const* from, int64_t rows, int64_t depth, Pair* columns,
                   int64_t stride) {
  constexpr int64_t kFew = 3;  // written pair by pair in less time
  if (rows > kFew) {
    for (int64_t d = 0; d < depth; d += kVector)
      transpose(from, d, rows, columns + d * stride, stride);
    return;
  }
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t d = 0; d < depth; ++d) columns[d * stride + r] = from[r][d];
  }
}

TSREC_DOTS inline __m512i lower_halves(const Pair* numbers) {
  return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(numbers)));
}

// to[c] = numbers c of two rows as a pair. second: null for zeros.
TSREC_DOTS void interleave(const Pair* first, const Pair* second, int64_t width, Pair* to) {
  for (int64_t c = 0; c < width; c += kVector) {
    __m512i both = lower_halves(first + c / 2);
    if (second != nullptr)
      both = _mm512_or_si512(both, _mm512_slli_epi32(lower_halves(second + c / 2), 16));
    _mm512_storeu_si512(to + c, both);
  }
}

// Two rows behind each other, and the two behind them, of `rows` that are `stride` pairs apart.
void interleave_rows(const Bfloat16* from, int64_t stride, int64_t rows, int64_t width, Pair* to) {
  for (int64_t r = 0; r < rows; r += 2)
    interleave(pairs(from + r * stride), r + 1 < rows ? pairs(from + (r + 1) * stride) : nullptr,
               width, to + r / 2 * width);
}

// Keys or values of a segment, packed for products that sum over a head's numbers (columns) or over
// keys (rows, two as pairs). Null: not asked for.
struct Packed {
  Pair *key_columns, *value_columns, *key_rows, *value_rows;
};

// From key `ready` on; a pair of rows is written whole.
void pack(const SegmentHead<Bfloat16>& s, int64_t ready, int64_t stride, const Packed& to) {
  const int64_t begin = ready / 2 * 2;
  const Pair *key[kVector], *value[kVector];
  int64_t held = 0, first = begin, at = 0;
  const auto write = [&] {
    if (to.key_columns != nullptr)
      write_columns(key, held, s.width / 2, to.key_columns + first, stride);
    if (to.value_columns != nullptr)
      write_columns(value, held, s.width / 2, to.value_columns + first, stride);
    for (int64_t r = 0; r < held; r += 2) {
      const int64_t row = (first + r) / 2 * s.width;
      const bool is_pair = r + 1 < held;
      if (to.key_rows != nullptr)
        interleave(key[r], is_pair ? key[r + 1] : nullptr, s.width, to.key_rows + row);
      if (to.value_rows != nullptr)
        interleave(value[r], is_pair ? value[r + 1] : nullptr, s.width, to.value_rows + row);
    }
    first += held;
    held = 0;
  };
  for (int64_t p = 0; p <= s.num_past; ++p) {
    const KeyRun<Bfloat16>& run = run_at(s, p);
    for (int64_t row = std::max<int64_t>(0, begin - at); row < run.length; ++row) {
      key[held] = pairs(run.key + row * s.key_stride);
      value[held] = pairs(run.value + row * s.key_stride);
      if (++held == kVector) write();
    }
    at += run.length;
  }
  write();
}

// --- softmax -------------------------------------------------------------------------------------

// fast_exp() in a register: 2^n by exponent, so that what is far below counts as zero.
TSREC_DOTS inline __m512 exponential(__m512 x) {
  x = _mm512_max_ps(x, _mm512_set1_ps(-104.0f));
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504088896341f)),
                                        _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4f), r);
  __m512 p = _mm512_set1_ps(1.9875691500e-4f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.3981999507e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(8.3334519073e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
  p = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
  return _mm512_scalef_ps(p, n);
}

// Of the 16 columns from `first` on, those before `seen`.
TSREC_DOTS inline __mmask16 seen_lanes(int64_t first, int64_t seen) {
  const int64_t count = std::clamp<int64_t>(seen - first, 0, kVector);
  return static_cast<__mmask16>((1U << count) - 1);
}

TSREC_DOTS inline void store_narrow(__m512 x, void* to) {
  _mm256_storeu_si256(static_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh(x));
}

struct Softmax {
  float largest, sum;
};

// weight <- exp(scale (score - largest)) of what is seen, zero in the rest of `vectors`; the sum is
// that of the numbers before they are rounded.
TSREC_DOTS Softmax softmax(float* score, int64_t seen, int64_t vectors, float scale,
                           Bfloat16* weight) {
  const __m512 least = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  __m512 most = least;
  for (int64_t v = 0; v < vectors; ++v) {
    most = _mm512_max_ps(
        most, _mm512_mask_loadu_ps(least, seen_lanes(v * kVector, seen), score + v * kVector));
  }
  const float largest = _mm512_reduce_max_ps(most);
  const __m512 factor = _mm512_set1_ps(scale), shift = _mm512_set1_ps(largest);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t v = 0; v < vectors; ++v) {
    const __m512 x = _mm512_sub_ps(_mm512_loadu_ps(score + v * kVector), shift);
    const __m512 p =
        _mm512_maskz_mov_ps(seen_lanes(v * kVector, seen), exponential(_mm512_mul_ps(factor, x)));
    sum = _mm512_add_ps(sum, p);
    store_narrow(p, weight + v * kVector);
  }
  return {largest, _mm512_reduce_add_ps(sum)};
}

TSREC_DOTS float dot(const Bfloat16* a, const Bfloat16* b, int64_t width) {
  __m512 sum = _mm512_setzero_ps();
  for (int64_t d = 0; d < width; d += 2 * kVector)
    sum = _mm512_dpbf16_ps(sum, (__m512bh)_mm512_loadu_si512(a + d),
                           (__m512bh)_mm512_loadu_si512(b + d));
  return _mm512_reduce_add_ps(sum);
}

TSREC_DOTS void write_scaled(const float* from, float factor, int64_t width, Bfloat16* to) {
  for (int64_t d = 0; d < width; d += kVector)
    store_narrow(_mm512_mul_ps(_mm512_loadu_ps(from + d), _mm512_set1_ps(factor)), to + d);
}

// What a query's softmax was made of: the logarithm of its sum, and out . gradient, which is
// sum_j p_j dp_j.
struct QuerySum {
  float log_sum = 0, delta = 0;
  int64_t seen = 0;  // no keys: there is no such query
};

// p = exp(scale score - log_sum), ds = scale p (dp - delta), of two queries behind each other:
// ds as rows, p and ds as pairs of both.
struct SlopeRows {
  const float *score, *weight_gradient;  // of the first; those of the second a step further
  int64_t step;
  Bfloat16 *slope, *next_slope;
  Pair *weights, *slopes;
};
TSREC_DOTS void softmax_gradient(const SlopeRows& rows, const QuerySum& first,
                                 const QuerySum& second, int64_t vectors, float scale) {
  const __m512 factor = _mm512_set1_ps(scale);
  // Lanes 0, 16, 1, 17 and so on, as pairs.
  const __m512i order = _mm512_or_si512(
      _mm512_slli_epi32(
          _mm512_add_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                           _mm512_set1_epi32(16)),
          16),
      _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  for (int64_t v = 0; v < vectors; ++v) {
    __m512 p[2], ds[2];
#pragma GCC unroll 2
    for (int64_t b = 0; b < 2; ++b) {
      const QuerySum& query = b == 0 ? first : second;
      const int64_t at = b * rows.step + v * kVector;
      const __mmask16 seen = seen_lanes(v * kVector, query.seen);
      const __m512 x =
          _mm512_fmsub_ps(factor, _mm512_loadu_ps(rows.score + at), _mm512_set1_ps(query.log_sum));
      p[b] = _mm512_maskz_mov_ps(seen, exponential(x));
      const __m512 dp =
          _mm512_sub_ps(_mm512_loadu_ps(rows.weight_gradient + at), _mm512_set1_ps(query.delta));
      ds[b] = _mm512_maskz_mul_ps(seen, _mm512_mul_ps(factor, p[b]), dp);
    }
    const auto slope = (__m512i)_mm512_cvtne2ps_pbh(ds[1], ds[0]);
    const auto weight = (__m512i)_mm512_cvtne2ps_pbh(p[1], p[0]);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(rows.slope + v * kVector),
                        _mm512_castsi512_si256(slope));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(rows.next_slope + v * kVector),
                        _mm512_extracti64x4_epi64(slope, 1));
    _mm512_storeu_si512(rows.slopes + v * kVector, _mm512_permutexvar_epi16(order, slope));
    _mm512_storeu_si512(rows.weights + v * kVector, _mm512_permutexvar_epi16(order, weight));
  }
}

// Asks for rows that are read, or written, soon: they lie apart, so that no stream of them is
// noticed, and would be waited for one by one.
template <bool IsWritten>
void fetch_rows(const Bfloat16* from, int64_t stride, int64_t rows, int64_t width) {
  constexpr int64_t kLine = 64 / sizeof(Bfloat16);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t d = 0; d < width; d += kLine) __builtin_prefetch(from + r * stride + d, IsWritten);
  }
}

// Memory, cut into pieces.
class Pieces {
 public:
  explicit Pieces(float* memory) : next_(memory) {}
  float* floats(int64_t count) { return std::exchange(next_, next_ + count); }
  Pair* pairs(int64_t count) { return reinterpret_cast<Pair*>(floats(count)); }

 private:
  float* next_;
};

}  // namespace

bool has_attention_by_dots(int64_t head_width) {
  static const bool has_dots = has_avx512() && __builtin_cpu_supports("avx512bf16") != 0;
  return has_dots && head_width % (2 * kVector) == 0;
}

template <>
AttentionScratchFloats attention_scratch_floats<Bfloat16>(int64_t most_keys, int64_t width) {
  const int64_t stride = column_stride(most_keys);
  return {3 * stride * width / 2,
          (2 * kRows + 3 * kQueries / 2) * stride + (kQueries + kRows) * width};
}

void attention_forward(const SegmentHead<Bfloat16>& s, const Bfloat16* query, Bfloat16* out,
                       float* log_sum, int64_t log_sum_stride, const AttentionScratch& scratch) {
  const int64_t before = num_keys(s) - s.own.length, stride = column_stride(scratch.most_keys),
                matrix = stride * s.width / 2;
  Pieces packed(scratch.packed), memory(scratch.work);
  const Packed keys{packed.pairs(matrix), nullptr, nullptr, packed.pairs(matrix)};
  float* score = memory.floats(kRows * stride);
  auto* weight = reinterpret_cast<Bfloat16*>(memory.pairs(kRows * stride / 2));
  float* result = memory.floats(kRows * s.width);
  fetch_rows<false>(query, s.query_stride, s.own.length, s.width);
  pack(s, scratch.ready, stride, keys);
  fetch_rows<true>(out, s.query_stride, s.own.length, s.width);
  for (int64_t first = 0; first < s.own.length; first += kRows) {
    const int64_t count = std::min(kRows, s.own.length - first), most = before + first + count;
    product({pairs(query + first * s.query_stride), s.query_stride / 2, 1}, keys.key_columns,
            stride, s.width / 2, count, vectors_of(most), score, stride, /*adds=*/false);
    float inverse[kRows];
    for (int64_t b = 0; b < count; ++b) {
      const auto [largest, sum] = softmax(score + b * stride, before + first + b + 1,
                                          vectors_of(most), s.scale, weight + b * stride);
      inverse[b] = 1 / sum;
      log_sum[(first + b) * log_sum_stride] = s.scale * largest + std::log(sum);
    }
    product({pairs(weight), stride / 2, 1}, keys.value_rows, s.width, pairs_of(most), count,
            s.width / kVector, result, s.width, /*adds=*/false);
    for (int64_t b = 0; b < count; ++b)
      write_scaled(result + b * s.width, inverse[b], s.width, out + (first + b) * s.query_stride);
  }
}

// As in float32: p = exp(scale q k - log_sum), dp = g v, ds = scale p (dp - out g); then dq = ds k,
// dk = ds' q, dv = p' g.
void attention_backward(const SegmentHead<Bfloat16>& s, const Bfloat16* query, const Bfloat16* out,
                        const float* log_sum, int64_t log_sum_stride, const Bfloat16* out_gradient,
                        Bfloat16* query_gradient, const AttentionScratch& scratch) {
  const int64_t before = num_keys(s) - s.own.length, stride = column_stride(scratch.most_keys),
                matrix = stride * s.width / 2, vectors = s.width / kVector;
  Pieces packed(scratch.packed), memory(scratch.work);
  const Packed keys{packed.pairs(matrix), packed.pairs(matrix), packed.pairs(matrix), nullptr};
  float* score = memory.floats(kRows * stride);
  float* weight_gradient = memory.floats(kRows * stride);
  auto* slope = reinterpret_cast<Bfloat16*>(memory.pairs(kQueries * stride / 2));
  Pair* weights = memory.pairs(kQueries / 2 * stride);
  Pair* slopes = memory.pairs(kQueries / 2 * stride);
  Pair* query_rows = memory.pairs(kQueries / 2 * s.width);
  Pair* gradient_rows = memory.pairs(kQueries / 2 * s.width);
  float* result = memory.floats(kRows * s.width);
  fetch_rows<false>(query, s.query_stride, s.own.length, s.width);
  fetch_rows<false>(out_gradient, s.query_stride, s.own.length, s.width);
  fetch_rows<false>(out, s.query_stride, s.own.length, s.width);
  pack(s, scratch.ready, stride, keys);
  fetch_rows<true>(query_gradient, s.query_stride, s.own.length, s.width);
  for (int64_t block = 0; block < s.own.length; block += kQueries) {
    const int64_t count = std::min(kQueries, s.own.length - block), most = before + block + count;
    const Bfloat16* queries = query + block * s.query_stride;
    const Bfloat16* gradients = out_gradient + block * s.query_stride;
    interleave_rows(queries, s.query_stride, count, s.width, query_rows);
    interleave_rows(gradients, s.query_stride, count, s.width, gradient_rows);
    QuerySum sums[kQueries + 1];
    for (int64_t b = 0; b < count; ++b) {
      const int64_t i = block + b;
      sums[b] = {log_sum[i * log_sum_stride],
                 dot(out + i * s.query_stride, gradients + b * s.query_stride, s.width),
                 before + i + 1};
    }
    for (int64_t first = 0; first < count; first += kRows) {
      const int64_t rows = std::min(kRows, count - first),
                    shown = vectors_of(before + block + first + rows);
      product({pairs(queries + first * s.query_stride), s.query_stride / 2, 1}, keys.key_columns,
              stride, s.width / 2, rows, shown, score, stride, /*adds=*/false);
      product({pairs(gradients + first * s.query_stride), s.query_stride / 2, 1},
              keys.value_columns, stride, s.width / 2, rows, shown, weight_gradient, stride,
              /*adds=*/false);
      for (int64_t b = first; b < first + rows; b += 2) {
        const int64_t at = (b - first) * stride;
        softmax_gradient(
            {score + at, weight_gradient + at, stride, slope + b * stride, slope + (b + 1) * stride,
             weights + b / 2 * stride, slopes + b / 2 * stride},
            sums[b], sums[b + 1], vectors_of(most), s.scale);
      }
      product({pairs(slope + first * stride), stride / 2, 1}, keys.key_rows, s.width,
              pairs_of(before + block + first + rows), rows, vectors, result, s.width,
              /*adds=*/false);
      for (int64_t b = 0; b < rows; ++b)
        write_scaled(result + b * s.width, 1, s.width,
                     query_gradient + (block + first + b) * s.query_stride);
    }
    int64_t at = 0;
    for (int64_t p = 0; p <= s.num_past; ++p) {
      const KeyRun<Bfloat16>& run = run_at(s, p);
      const bool is_own = p == s.num_past;
      const int64_t length = is_own ? std::min(run.length, block + count) : run.length;
      // A key of the segment is seen by the queries from its own on.
      for (int64_t row = 0, step; row < length; row += step) {
        const int64_t from = is_own ? std::max<int64_t>(0, row - block) / 2 : 0;
        step = is_own ? std::min(kRows, length - row) : length;
        const auto add = [&](const Pair* factors, const Pair* rows, float* gradient) {
          product({factors + from * stride + at + row, 1, stride}, rows + from * s.width, s.width,
                  pairs_of(count) - from, step, vectors, gradient + row * s.gradient_stride,
                  s.gradient_stride, /*adds=*/true);
        };
        add(slopes, query_rows, run.key_gradient);
        add(weights, gradient_rows, run.value_gradient);
      }
      at += run.length;
    }
  }
}

#else  // has_attention_by_dots() keeps everybody away from the others

bool has_attention_by_dots(int64_t) { return false; }
template <>
AttentionScratchFloats attention_scratch_floats<Bfloat16>(int64_t, int64_t) {
  return {};
}
void attention_forward(const SegmentHead<Bfloat16>&, const Bfloat16*, Bfloat16*, float*, int64_t,
                       const AttentionScratch&) {}
void attention_backward(const SegmentHead<Bfloat16>&, const Bfloat16*, const Bfloat16*,
                        const float*, int64_t, const Bfloat16*, Bfloat16*,
                        const AttentionScratch&) {}

#endif

}  // namespace tsrec::nn
