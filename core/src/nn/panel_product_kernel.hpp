// Products with a weight that lies in panels of columns, for processors with registers of 64 bytes.
#pragma once

#include <cstdint>

namespace tsrec::nn {

inline constexpr int64_t kPanelColumns = 48;

// Panel p holds columns 48 p to 48 p + 47 of W^T, row by row; the last one and the bias go on with
// zeros.
struct Panels {
  const float* weight;  // [panels, inner, 48]
  const float* bias;    // [panels * 48]
  int64_t inner, columns;
};

// x [rows, inner] W^T + bias -> y [rows, columns]. Each sum is taken in order, in one register.
void panel_product(const float* x, int64_t rows, const Panels& panels, float* y);

}  // namespace tsrec::nn
