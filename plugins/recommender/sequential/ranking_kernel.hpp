// Passes over the scores of one row, over plain memory.
#pragma once

#include <cstdint>

namespace tsrec::sequential {

// The largest score of each group; item i is of group i % groups, groups a multiple of
// kGroupLanes. -infinity where there is none.
inline constexpr int64_t kGroupLanes = 64;
void group_maxima(const float* score, int64_t num_items, int64_t groups, float* maximum);

// The items whose score is not below the bound, in their order, into `item`, which has room for
// all; returns how many.
int64_t items_from(const float* score, int64_t num_items, float bound, int64_t* item);

// How many items stand before this one: those with a larger score, and of equal ones those before
// it.
int64_t place_of(const float* score, int64_t num_items, int64_t item);

}  // namespace tsrec::sequential
