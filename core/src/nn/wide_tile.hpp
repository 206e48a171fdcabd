// The heart of a product whose second matrix does not change: a tile of sums that stays in the 32
// registers of 64 bytes while rows go by. For processors that have them (has_avx512()).
#pragma once

#include <algorithm>

#include "wide_lanes.hpp"

namespace tsrec::nn {

inline constexpr int64_t kTileRows = 8, kTileVectors = 3;
inline constexpr int64_t kTileColumns = kTileVectors * kLanes;

// c = a b + bias: a [rows, inner] and c [rows, ..] with rows a_stride and c_stride apart; b [inner,
// ..] with rows b_stride apart. A row's numbers do not depend on which other rows there are.
struct TileInputs {
  const float* a;
  int64_t a_stride;
  const float* b;
  int64_t b_stride;
  int64_t inner;
  const float* bias;  // of the columns; null: none
};

namespace tile_detail {

template <int64_t Rows, int64_t Vectors>
TSREC_AVX512 void compute(const TileInputs& in, float* c, int64_t c_stride) {
  Wide sum[Rows][Vectors];
#pragma GCC unroll 8
  for (int64_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 3
    for (int64_t v = 0; v < Vectors; ++v)
      sum[r][v] = in.bias == nullptr ? Wide{} : reinterpret_cast<const Wide*>(in.bias)[v];
  }
  const float *a = in.a, *b = in.b;
  const int64_t a_stride = in.a_stride;
  for (int64_t k = 0; k < in.inner; ++k, b += in.b_stride) {
    Wide row[Vectors];
#pragma GCC unroll 3
    for (int64_t v = 0; v < Vectors; ++v) row[v] = reinterpret_cast<const Wide*>(b)[v];
#pragma GCC unroll 8
    for (int64_t r = 0; r < Rows; ++r) {
      const float factor = a[r * a_stride + k];
#pragma GCC unroll 3
      for (int64_t v = 0; v < Vectors; ++v) sum[r][v] += factor * row[v];
    }
  }
#pragma GCC unroll 8
  for (int64_t r = 0; r < Rows; ++r) {
#pragma GCC unroll 3
    for (int64_t v = 0; v < Vectors; ++v) reinterpret_cast<Wide*>(c + r * c_stride)[v] = sum[r][v];
  }
}

using Compute = void (*)(const TileInputs&, float*, int64_t);
template <int64_t Rows>
inline constexpr Compute kOfRows[] = {compute<Rows, 1>, compute<Rows, 2>, compute<Rows, 3>};
inline constexpr const Compute* kComputes[] = {kOfRows<1>, kOfRows<2>, kOfRows<3>, kOfRows<4>,
                                               kOfRows<5>, kOfRows<6>, kOfRows<7>, kOfRows<8>};

}  // namespace tile_detail

// At most kTileRows rows, and `vectors` times 16 columns, at most kTileColumns.
inline void compute_tile(const TileInputs& in, int64_t rows, int64_t vectors, float* c,
                         int64_t c_stride) {
  tile_detail::kComputes[rows - 1][vectors - 1](in, c, c_stride);
}

constexpr int64_t in_lanes(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }

}  // namespace tsrec::nn
