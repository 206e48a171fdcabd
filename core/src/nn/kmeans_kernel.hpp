// The inner loops of k-means, on plain rows of floats.
#pragma once

#include <cstdint>

namespace tsrec::nn {

// |a - b|^2, summed in float32 lanes.
float squared_distance(const float* a, const float* b, int64_t width);

// The smallest half_norm[k] - product[k] = (|x - c_k|^2 - |x|^2) / 2, and the next one. Ties go to
// the lowest index; `second` is infinite where there is one centre only.
struct NearestTwo {
  int64_t index;
  float second;
};
NearestTwo nearest_two(const float* product, const float* half_norm, int64_t count);

// sum += x
void add_to(double* sum, const float* x, int64_t width);

}  // namespace tsrec::nn
