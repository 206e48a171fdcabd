#include "nn/panel_kernel.hpp"

#include <algorithm>
#include <cstring>

#include "wide_lanes.hpp"

namespace tsrec::nn {
namespace {

// Lanes that lie anywhere in memory. The compiler finds them in loops over arrays only now and
// then.
using Halves = uint16_t __attribute__((vector_size(32), aligned(2), may_alias));
// Two bfloat16 numbers of one column, the upper one in the lower half.
using Pairs = uint32_t __attribute__((vector_size(64), aligned(4), may_alias));

template <class Lanes, class T>
[[gnu::always_inline]] inline const Lanes& lanes(const T* from) {
  return *reinterpret_cast<const Lanes*>(from);
}
template <class Lanes, class T>
[[gnu::always_inline]] inline void put(const Lanes& x, T* to) {
  *reinterpret_cast<Lanes*>(to) = x;
}

[[gnu::always_inline]] inline void pair_up(const Bfloat16* upper, const Bfloat16* lower,
                                           Pairs& pairs) {
  pairs = __builtin_convertvector(lanes<Halves>(upper), Pairs) |
          __builtin_convertvector(lanes<Halves>(lower), Pairs) << 16;
}

// Bfloat16 in the upper half of each lane, as store() rounds.
[[gnu::always_inline]] inline void round_to(const float* x, Pairs& rounded) {
  const Pairs bits = lanes<Pairs>(x);
  const Wide& value = lanes<Wide>(x);
  rounded = value == value ? bits + 0x7FFF + ((bits >> 16) & 1) : Pairs{} + 0x7FC00000u;
}

[[gnu::always_inline]] inline void put_halves(const Pairs& rounded, Bfloat16* to) {
  put(__builtin_convertvector(rounded >> 16, Halves), to);
}

// sum += exp(x - shift), 16 numbers.
[[gnu::always_inline]] inline void add_exponentials(const float* x, const float* shift, Wide& sum) {
  float result[kLanes];
  for (int64_t l = 0; l < kLanes; ++l) result[l] = fast_exp(x[l] - shift[l]);
  sum += lanes<Wide>(result);
}

[[gnu::always_inline]] inline void raise(Wide& most, const Wide& x) { most = x > most ? x : most; }

}  // namespace

TSREC_SIMD void pair_transposed(const Bfloat16* x, int64_t rows, int64_t width, Bfloat16* to) {
  for (int64_t first = 0; first < kPanel; first += kLanes) {
    for (int64_t k = 0; k < width; k += 2 * kLanes) {
      const int64_t count = std::min(2 * kLanes, width - k);
      Pairs block[kLanes] = {};
      for (int64_t r = first; r < std::min(first + kLanes, rows); ++r) {
        std::memcpy(&block[r - first], x + r * width + k,
                    static_cast<size_t>(count) * sizeof(Bfloat16));
      }
      transpose_lanes(block);
      for (int64_t i = 0; i < count / 2; ++i)
        std::memcpy(to + ((k / 2 + i) * kPanel + first) * 2, &block[i], sizeof(Pairs));
    }
  }
}

TSREC_SIMD void pair_rows(const Bfloat16* x, int64_t rows, int64_t padded, int64_t width,
                          Bfloat16* to) {
  for (int64_t r = 0; r < padded; r += 2) {
    const Bfloat16 *upper = x + r * width, *lower = upper + width;
    for (int64_t d = 0; d < width; ++d) {
      to[r * width + 2 * d] = r < rows ? upper[d] : Bfloat16{};
      to[r * width + 2 * d + 1] = r + 1 < rows ? lower[d] : Bfloat16{};
    }
  }
}

TSREC_SIMD void transpose(const Bfloat16* x, int64_t rows, int64_t width, Bfloat16* to,
                          int64_t stride) {
  constexpr int64_t kRows = 2 * kLanes;
  for (int64_t r = 0; r < rows; r += kRows) {
    for (int64_t k = 0; k < width; k += kLanes) {
      const int64_t count = std::min(kLanes, width - k);
      const Bfloat16* from = x + r * width + k;
      Pairs block[kLanes] = {};
      if (r + kRows <= rows && count == kLanes) {
        for (int64_t i = 0; i < kLanes; ++i)
          pair_up(from + 2 * i * width, from + (2 * i + 1) * width, block[i]);
      } else {
        for (int64_t i = 0; i < std::min(kRows, rows - r); ++i) {
          for (int64_t d = 0; d < count; ++d)
            block[i / 2][d] |= static_cast<uint32_t>(from[i * width + d].bits) << (i % 2 * 16);
        }
      }
      transpose_lanes(block);
      for (int64_t d = 0; d < count; ++d) put(block[d], to + (k + d) * stride + r);
    }
  }
}

TSREC_SIMD void panel_log_sums(const float* logit, int64_t rows, int64_t columns, float* largest,
                               float* sum) {
  for (int64_t first = 0; first < columns; first += kLanes) {
    const float* column = logit + first;
    // Four rows at once: a comparison waits for the one before it in its lane.
    Wide most[4];
    for (Wide& m : most) m = Wide{} - std::numeric_limits<float>::infinity();
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) {
      for (int64_t i = 0; i < 4; ++i) raise(most[i], lanes<Wide>(column + (r + i) * kPanel));
    }
    for (; r < rows; ++r) raise(most[0], lanes<Wide>(column + r * kPanel));
    for (int64_t i = 1; i < 4; ++i) raise(most[0], most[i]);
    put(most[0], largest + first);
    Wide total = {};
    for (r = 0; r < rows; ++r) add_exponentials(column + r * kPanel, largest + first, total);
    put(total, sum + first);
  }
}

TSREC_SIMD void join_log_sums(int64_t count, const float* other_largest, const float* other_sum,
                              float* largest, float* sum) {
  for (int64_t i = 0; i < count; ++i) {
    const float most = other_largest[i] > largest[i] ? other_largest[i] : largest[i];
    sum[i] =
        sum[i] * fast_exp(largest[i] - most) + other_sum[i] * fast_exp(other_largest[i] - most);
    largest[i] = most;
  }
}

TSREC_SIMD void scale_panel_softmax(float* logit, int64_t rows, int64_t columns,
                                    const float* normalizer, const float* factor) {
  for (int64_t first = 0; first < columns; first += kLanes) {
    float shift[kLanes], scale[kLanes];
    std::copy(normalizer + first, normalizer + first + kLanes, shift);
    std::copy(factor + first, factor + first + kLanes, scale);
    for (int64_t r = 0; r < rows; ++r) {
      float* z = logit + r * kPanel + first;
      for (int64_t l = 0; l < kLanes; ++l) z[l] = scale[l] * fast_exp(z[l] - shift[l]);
    }
  }
}

TSREC_SIMD void narrow_panel(const float* logit, int64_t rows, int64_t columns, Bfloat16* to,
                             int64_t stride, Bfloat16* pairs) {
  for (int64_t r = 0; r < rows; r += 2) {
    const float* upper = logit + r * kPanel;
    for (int64_t first = 0; first < columns; first += kLanes) {
      Pairs a, b = {};
      round_to(upper + first, a);
      put_halves(a, to + r * stride + first);
      if (r + 1 < rows) {
        round_to(upper + kPanel + first, b);
        put_halves(b, to + (r + 1) * stride + first);
      }
      put(a >> 16 | (b & 0xFFFF0000u), pairs + r * kPanel + 2 * first);
    }
  }
}

}  // namespace tsrec::nn
