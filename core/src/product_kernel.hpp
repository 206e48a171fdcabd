// A transposed copy, for products whose library reads rows only.
#pragma once

#include <cstdint>

namespace tsrec {

// to[c * rows + r] = from[r * columns + c] for first <= c < last.
void transpose(const float* from, int64_t rows, int64_t columns, int64_t first, int64_t last,
               float* to);

}  // namespace tsrec
