// Registers of 64 bytes, and of halves of that, as vectors in a kernel.
#pragma once

#include <utility>

#include "simd.hpp"

// Of a function that is called only where has_avx512() holds.
#ifdef __x86_64__
#define TSREC_AVX512 __attribute__((target("arch=x86-64-v4")))
#else
#define TSREC_AVX512
#endif

namespace tsrec {

// They may lie anywhere.
using Wide = float __attribute__((vector_size(64), aligned(4), may_alias));
using Half = float __attribute__((vector_size(32), aligned(4), may_alias));
using Quarter = float __attribute__((vector_size(16), aligned(4), may_alias));

// Swaps the upper right and the lower left of each square of 2 Step numbers.
template <int Step, class Lanes, int... L>
[[gnu::always_inline]] inline void swap_corners(Lanes* row, std::integer_sequence<int, L...>) {
  for (int i = 0; i < kLanes; ++i) {
    if ((i & Step) != 0) continue;
    const Lanes a = row[i], b = row[i + Step];
    row[i] = __builtin_shufflevector(a, b, ((L & Step) == 0 ? L : 16 + (L ^ Step))...);
    row[i + Step] = __builtin_shufflevector(a, b, ((L & Step) == 0 ? (L ^ Step) : 16 + L)...);
  }
}

// row[i][j] becomes row[j][i]: 16 vectors of 16 numbers of 4 bytes, in registers.
template <class Lanes>
[[gnu::always_inline]] inline void transpose_lanes(Lanes* row) {
  constexpr auto kAll = std::make_integer_sequence<int, kLanes>();
  swap_corners<8>(row, kAll);
  swap_corners<4>(row, kAll);
  swap_corners<2>(row, kAll);
  swap_corners<1>(row, kAll);
}

}  // namespace tsrec
