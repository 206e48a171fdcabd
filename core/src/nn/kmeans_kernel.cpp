#include "nn/kmeans_kernel.hpp"

#include <limits>

#include "nn/simd.hpp"

namespace tsrec::nn {

TSREC_SIMD float squared_distance(const float* a, const float* b, int64_t width) {
  float lanes[kLanes] = {};
  int64_t d = 0;
  for (; d + kLanes <= width; d += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += (a[d + l] - b[d + l]) * (a[d + l] - b[d + l]);
  }
  float sum = lane_sum(lanes);
  for (; d < width; ++d) sum += (a[d] - b[d]) * (a[d] - b[d]);
  return sum;
}

TSREC_SIMD int64_t nearest_index(const float* product, const float* half_norm, int64_t count) {
  float best[kLanes];
  int32_t index[kLanes];
  for (int64_t l = 0; l < kLanes; ++l) {
    best[l] = std::numeric_limits<float>::infinity();
    index[l] = std::numeric_limits<int32_t>::max();
  }
  int64_t k = 0;
  for (; k + kLanes <= count; k += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) {
      const float score = half_norm[k + l] - product[k + l];
      const bool is_better = score < best[l];  // a lane's indices ascend: the first one stays
      best[l] = is_better ? score : best[l];
      index[l] = is_better ? static_cast<int32_t>(k + l) : index[l];
    }
  }
  for (; k < count; ++k) {
    const float score = half_norm[k] - product[k];
    if (score < best[k % kLanes]) {
      best[k % kLanes] = score;
      index[k % kLanes] = static_cast<int32_t>(k);
    }
  }
  int64_t winner = 0;
  for (int64_t l = 1; l < kLanes; ++l) {
    if (best[l] < best[winner] || (best[l] == best[winner] && index[l] < index[winner])) winner = l;
  }
  return index[winner];
}

TSREC_SIMD void add_to(double* sum, const float* x, int64_t width) {
  for (int64_t d = 0; d < width; ++d) sum[d] += static_cast<double>(x[d]);
}

}  // namespace tsrec::nn
