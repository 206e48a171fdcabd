// The inner loops of k-means, on plain rows of floats.
#pragma once

#include <cstdint>

namespace tsrec::cluster {

// |x|^2, summed in float32 lanes.
float squared_norm(const float* x, int64_t width);
// |a - b|^2, summed in float32 lanes; for four vectors b at once, the same numbers.
float squared_distance(const float* a, const float* b, int64_t width);
void squared_distances(const float* a, const float* const b[4], int64_t width, float out[4]);

// Where half_norm[k] - product[k] = (|x - c_k|^2 - |x|^2) / 2 is smallest. Ties go to the lowest
// index.
int64_t nearest_of(const float* product, const float* half_norm, int64_t count);

// bound[k] <- sqrt(square + 2 (half_norm[k] - product[k])), 0 where that is negative: the distance
// to centre k, or a lower bound of it if `square` is |x|^2 less what rounding can add.
void distances_of(const float* product, const float* half_norm, float square, int64_t count,
                  float* bound);

// Makes a float smaller than its rounding made it larger.
inline constexpr float kDown = 1 - 0x1p-22f;

// Centre k belongs to block k % blocks. lower[b] <- (the least bound of its centres + travelled[b])
// rounded down.
void fold_bounds(const float* bound, int64_t count, const float* travelled, int64_t blocks,
                 float* lower);

// A block is open if neither lower[b] - travelled[b] nor gap[b] exceeds the distance: one of its
// centres may be as near.
inline bool is_open(const float* lower, const float* travelled, const float* gap, float distance,
                    int64_t b) {
  return (lower[b] - travelled[b] <= distance) & (gap[b] <= distance);
}
// Writes the open blocks, ascending, and says how many they are. open: memory for all and one more.
int64_t list_open(const float* lower, const float* travelled, const float* gap, float distance,
                  int64_t blocks, int32_t* open);

// sum += times x
void add_to(double* sum, const float* x, double times, int64_t width);

float dot(const float* a, const float* b, int64_t width);

}  // namespace tsrec::cluster
