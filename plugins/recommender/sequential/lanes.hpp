// Sixteen numbers of a kernel side by side, in as many registers as the processor needs for them.
#pragma once

#include <cstdint>

namespace tsrec::sequential {

inline constexpr int64_t kLanes = 16;
// They may lie anywhere.
using Lanes = float __attribute__((vector_size(64), aligned(4), may_alias));
using IntLanes = int32_t __attribute__((vector_size(64), aligned(4), may_alias));

// count: how many lie in memory, a constant where it is all of them. The others become 0, and are
// not written.
template <class Lane, class Number>
[[gnu::always_inline]] inline void read(const Number* x, int64_t count, Lane& lanes) {
  if (count == kLanes) {
    lanes = *reinterpret_cast<const Lane*>(x);
    return;
  }
  lanes = Lane{};
  for (int64_t l = 0; l < count; ++l) lanes[l] = x[l];
}

template <class Lane, class Number>
[[gnu::always_inline]] inline void write(const Lane& lanes, int64_t count, Number* x) {
  if (count == kLanes) {
    *reinterpret_cast<Lane*>(x) = lanes;
    return;
  }
  for (int64_t l = 0; l < count; ++l) x[l] = lanes[l];
}

[[gnu::always_inline]] inline void add(const Lanes& lanes, int64_t count, float* x) {
  Lanes sum;
  read(x, count, sum);
  sum += lanes;
  write(sum, count, x);
}

}  // namespace tsrec::sequential
