#include "nn/kmeans_kernel.hpp"

#include <cstring>
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

// Eight lanes in one register where the processor has such; the loop below keeps its state there,
// which compilers do not manage with arrays.
using Floats = float __attribute__((vector_size(32)));
using Ints = int32_t __attribute__((vector_size(32)));
constexpr int64_t kVector = 8;

TSREC_SIMD NearestTwo nearest_two(const float* product, const float* half_norm, int64_t count) {
  constexpr float kNone = std::numeric_limits<float>::infinity();
  Floats best = Floats{} + kNone, second = best;
  Ints index = Ints{} + (1 << 30), number = {0, 1, 2, 3, 4, 5, 6, 7};
  int64_t k = 0;
  for (; k + kVector <= count; k += kVector) {
    Floats norms, products;
    std::memcpy(&norms, half_norm + k, sizeof(norms));
    std::memcpy(&products, product + k, sizeof(products));
    const Floats score = norms - products;
    const Ints is_better = score < best;  // a lane's indices ascend: the first one stays
    const Floats worse = is_better ? best : score;
    second = worse < second ? worse : second;
    best = is_better ? score : best;
    index = is_better ? number : index;
    number += static_cast<int32_t>(kVector);
  }
  NearestTwo nearest{std::numeric_limits<int64_t>::max(), kNone};
  float smallest = kNone;
  const auto see = [&](float score, int64_t at) {
    if (score < smallest || (score == smallest && at < nearest.index)) {
      nearest.second = smallest;
      smallest = score;
      nearest.index = at;
    } else if (score < nearest.second) {
      nearest.second = score;
    }
  };
  for (int64_t l = 0; l < kVector; ++l) see(best[l], index[l]);
  for (; k < count; ++k) see(half_norm[k] - product[k], k);
  for (int64_t l = 0; l < kVector; ++l)
    nearest.second = second[l] < nearest.second ? second[l] : nearest.second;
  return nearest;
}

TSREC_SIMD void add_to(double* sum, const float* x, int64_t width) {
  for (int64_t d = 0; d < width; ++d) sum[d] += static_cast<double>(x[d]);
}

}  // namespace tsrec::nn
