// The inner loops of k-means, on plain rows of floats.
#pragma once

#include <cstdint>

namespace tsrec::nn {

// |a - b|^2, summed in float32 lanes.
float squared_distance(const float* a, const float* b, int64_t width);

// Index of the smallest half_norm[k] - product[k]; ties go to the lowest.
int64_t nearest_index(const float* product, const float* half_norm, int64_t count);

// sum += x
void add_to(double* sum, const float* x, int64_t width);

}  // namespace tsrec::nn
