// A contiguous range of rows of a vocabulary matrix.
#pragma once

#include <cstdint>

namespace tsrec {
struct RowRange {
  int64_t first = 0, count = 0;
};
}  // namespace tsrec
