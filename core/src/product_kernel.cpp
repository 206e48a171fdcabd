#include "product_kernel.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "simd.hpp"

namespace tsrec {
namespace {

// Floats of a cache line: a block reads whole lines and writes whole lines.
constexpr int64_t kLine = 16;
using Line [[gnu::vector_size(kLine * sizeof(float))]] = float;

// What lies right above and left below of the diagonal changes places, in squares of `side`.
template <int side, int... column>
[[gnu::always_inline]] inline void exchange(Line& upper, Line& lower,
                                            std::integer_sequence<int, column...>) {
  const Line above = upper;
  upper = __builtin_shufflevector(above, lower,
                                  ((column & side) != 0 ? kLine + column - side : column)...);
  lower = __builtin_shufflevector(above, lower,
                                  ((column & side) != 0 ? kLine + column : column + side)...);
}

template <int side>
[[gnu::always_inline]] inline void exchange_squares(Line* row) {
  for (int64_t r = 0; r < kLine; ++r) {
    if ((r & side) == 0)
      exchange<side>(row[r], row[r + side], std::make_integer_sequence<int, kLine>());
  }
}

// A block of whole lines, in registers.
[[gnu::always_inline]] inline void transpose_lines(const float* from, int64_t columns, float* to,
                                                   int64_t rows) {
  Line row[kLine];
  for (int64_t r = 0; r < kLine; ++r) std::memcpy(&row[r], from + r * columns, sizeof(Line));
  exchange_squares<8>(row);
  exchange_squares<4>(row);
  exchange_squares<2>(row);
  exchange_squares<1>(row);
  for (int64_t c = 0; c < kLine; ++c) std::memcpy(to + c * rows, &row[c], sizeof(Line));
}

}  // namespace

TSREC_SIMD void transpose(const float* from, int64_t rows, int64_t columns, int64_t first,
                          int64_t last, float* to) {
  for (int64_t c = first; c < last; c += kLine) {
    const int64_t width = std::min(kLine, last - c);
    for (int64_t r = 0; r < rows; r += kLine) {
      const int64_t height = std::min(kLine, rows - r);
      if (width == kLine && height == kLine) {
        transpose_lines(from + r * columns + c, columns, to + c * rows + r, rows);
        continue;
      }
      for (int64_t j = 0; j < width; ++j) {
        for (int64_t i = 0; i < height; ++i)
          to[(c + j) * rows + r + i] = from[(r + i) * columns + c + j];
      }
    }
  }
}

}  // namespace tsrec
