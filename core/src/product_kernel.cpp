#include "product_kernel.hpp"

#include <algorithm>
#include <cstring>

#include "wide_lanes.hpp"

namespace tsrec {
namespace {

// Floats of a cache line: a block reads whole lines and writes whole lines.
constexpr int64_t kLine = kLanes;
using Line [[gnu::vector_size(kLine * sizeof(float))]] = float;

// A block of whole lines, in registers.
[[gnu::always_inline]] inline void transpose_lines(const float* from, int64_t columns, float* to,
                                                   int64_t rows) {
  Line row[kLine];
  for (int64_t r = 0; r < kLine; ++r) std::memcpy(&row[r], from + r * columns, sizeof(Line));
  transpose_lanes(row);
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
