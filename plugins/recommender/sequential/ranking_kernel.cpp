#include "ranking_kernel.hpp"

#include <algorithm>
#include <limits>

#include "simd.hpp"

namespace tsrec::sequential {

SEQUENTIAL_SIMD void group_maxima(const float* score, int64_t num_items, int64_t groups,
                                  float* maximum) {
  const int64_t whole = num_items / kGroupLanes * kGroupLanes;
  for (int64_t group = 0; group < groups; group += kGroupLanes) {
    float largest[kGroupLanes];
    std::fill_n(largest, kGroupLanes, -std::numeric_limits<float>::infinity());
    for (int64_t item = group; item < whole; item += groups) {
      for (int64_t l = 0; l < kGroupLanes; ++l)
        largest[l] = score[item + l] > largest[l] ? score[item + l] : largest[l];
    }
    std::copy_n(largest, kGroupLanes, maximum + group);
  }
  for (int64_t item = whole; item < num_items; ++item) {
    float& largest = maximum[item % groups];
    largest = score[item] > largest ? score[item] : largest;
  }
}

SEQUENTIAL_SIMD int64_t items_from(const float* score, int64_t num_items, float bound,
                                   int64_t* item) {
  constexpr int64_t kAtOnce = 32;  // of which most have none
  int64_t found = 0;
  for (int64_t begin = 0; begin < num_items; begin += kAtOnce) {
    const int64_t end = std::min(begin + kAtOnce, num_items);
    int32_t is_any = 0;
    for (int64_t i = begin; i < end; ++i) is_any |= !(score[i] < bound);
    if (is_any == 0) continue;
    for (int64_t i = begin; i < end; ++i) {
      item[found] = i;
      found += !(score[i] < bound);
    }
  }
  return found;
}

SEQUENTIAL_SIMD int64_t place_of(const float* score, int64_t num_items, int64_t item) {
  const float own = score[item];
  int64_t before = 0;
  for (int64_t i = 0; i < num_items; ++i) before += score[i] > own;
  for (int64_t i = 0; i < item; ++i) before += score[i] == own;
  return before;
}

}  // namespace tsrec::sequential
