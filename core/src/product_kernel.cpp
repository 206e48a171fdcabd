#include "product_kernel.hpp"

#include <algorithm>

#include "simd.hpp"

namespace tsrec {
namespace {

// Floats of a cache line: a block reads whole lines and writes whole lines.
constexpr int64_t kLine = 16;

}  // namespace

TSREC_SIMD void transpose(const float* from, int64_t rows, int64_t columns, int64_t first,
                          int64_t last, float* to) {
  for (int64_t c = first; c < last; c += kLine) {
    const int64_t width = std::min(kLine, last - c);
    for (int64_t r = 0; r < rows; r += kLine) {
      const int64_t height = std::min(kLine, rows - r);
      float block[kLine][kLine];
      for (int64_t i = 0; i < height; ++i) {
        for (int64_t j = 0; j < width; ++j) block[j][i] = from[(r + i) * columns + c + j];
      }
      for (int64_t j = 0; j < width; ++j)
        std::copy(block[j], block[j] + height, to + (c + j) * rows + r);
    }
  }
}

}  // namespace tsrec
