// A row in float32, for kernels whose loops are several times as fast over numbers of one width as
// where they widen and narrow on the way.
#pragma once

#include <cstddef>
#include <type_traits>
#include <vector>

#include "nn/elementwise_kernel.hpp"

namespace tsrec::nn {

// Of float rows it is the row itself, of bfloat16 ones a copy, one at a time.
template <class T>
class FloatRow {
 public:
  explicit FloatRow(int64_t width) : copy_(kIsFloat ? 0 : static_cast<std::size_t>(width)) {}

  const float* read(const T* row) {
    if constexpr (kIsFloat) {
      return row;
    } else {
      return widened_copy(row);
    }
  }
  // To be read and written, and then stored.
  float* change(T* row) {
    if constexpr (kIsFloat) {
      return row;
    } else {
      return widened_copy(row);
    }
  }
  // To be written, and then stored.
  float* write(T* row) {
    if constexpr (kIsFloat) {
      return row;
    } else {
      return copy_.data();
    }
  }
  void store(T* row) const {
    if constexpr (!kIsFloat) narrow(copy_.data(), width(), 1, width(), row, width());
  }

 private:
  static constexpr bool kIsFloat = std::is_same_v<T, float>;
  int64_t width() const { return static_cast<int64_t>(copy_.size()); }
  float* widened_copy(const T* row) {
    widen(row, width(), 1, width(), copy_.data(), width());
    return copy_.data();
  }

  std::vector<float> copy_;
};

}  // namespace tsrec::nn
