#include "nn/panel_product_kernel.hpp"

#include "nn/wide_tile.hpp"

namespace tsrec::nn {
namespace {

static_assert(kPanelColumns == kTileColumns);

// Rows of x that stay in the second cache while all panels go by: half a megabyte of them.
int64_t rows_at_once(int64_t inner) {
  constexpr int64_t kFloats = 1 << 17;
  return std::max<int64_t>(kFloats / inner / kTileRows, 1) * kTileRows;
}

}  // namespace

void panel_product(const float* x, int64_t rows, const Panels& panels, float* y) {
  const int64_t inner = panels.inner, columns = panels.columns, step = rows_at_once(inner);
  float edge[kTileRows * kTileColumns];  // a tile of which not all columns are there
  for (int64_t begin = 0; begin < rows; begin += step) {
    const int64_t end = std::min(rows, begin + step);
    for (int64_t column = 0; column < columns; column += kPanelColumns) {
      const int64_t width = std::min(kPanelColumns, columns - column);
      for (int64_t row = begin; row < end; row += kTileRows) {
        const int64_t count = std::min(kTileRows, end - row);
        const TileInputs in{x + row * inner, inner, panels.weight + column * inner,
                            kPanelColumns,   inner, panels.bias + column};
        float* to = y + row * columns + column;
        if (width % kLanes == 0) {
          compute_tile(in, count, width / kLanes, to, columns);
          continue;
        }
        compute_tile(in, count, in_lanes(width) / kLanes, edge, kTileColumns);
        for (int64_t r = 0; r < count; ++r)
          std::copy_n(edge + r * kTileColumns, width, to + r * columns);
      }
    }
  }
}

}  // namespace tsrec::nn
