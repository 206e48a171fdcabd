#include "cluster/kmeans_kernel.hpp"

#include <cstring>
#include <limits>

#include "simd.hpp"

namespace tsrec::cluster {

// Eight lanes in one register where the processor has such; loops keep their state there, which
// compilers do not manage with arrays.
using Floats = float __attribute__((vector_size(32)));
using Ints = int32_t __attribute__((vector_size(32)));
using Quarter = float __attribute__((vector_size(16)));
constexpr int64_t kVector = 8;
static_assert(kLanes == 2 * kVector);

// The lanes of one sum, halved until they are one.
inline float folded(float* lanes) {
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t l = 0; l < half; ++l) lanes[l] += lanes[l + half];
  }
  return lanes[0];
}

TSREC_SIMD float dot(const float* a, const float* b, int64_t width) {
  float lanes[kLanes] = {};
  int64_t d = 0;
  for (; d + kLanes <= width; d += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += a[d + l] * b[d + l];
  }
  float sum = folded(lanes);
  for (; d < width; ++d) sum += a[d] * b[d];
  return sum;
}

TSREC_SIMD float squared_norm(const float* x, int64_t width) { return dot(x, x, width); }

TSREC_SIMD float squared_distance(const float* a, const float* b, int64_t width) {
  float lanes[kLanes] = {};
  int64_t d = 0;
  for (; d + kLanes <= width; d += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += (a[d + l] - b[d + l]) * (a[d + l] - b[d + l]);
  }
  float sum = folded(lanes);
  for (; d < width; ++d) sum += (a[d] - b[d]) * (a[d] - b[d]);
  return sum;
}

// In the lanes of squared_distance(), folded in its order: the same sums.
TSREC_SIMD void squared_distances(const float* a, const float* const b[4], int64_t width,
                                  float out[4]) {
  Floats low[4] = {}, high[4] = {};
  int64_t d = 0;
  for (; d + kLanes <= width; d += kLanes) {
    Floats a_low, a_high;
    std::memcpy(&a_low, a + d, sizeof(Floats));
    std::memcpy(&a_high, a + d + kVector, sizeof(Floats));
    for (int i = 0; i < 4; ++i) {
      Floats b_low, b_high;
      std::memcpy(&b_low, b[i] + d, sizeof(Floats));
      std::memcpy(&b_high, b[i] + d + kVector, sizeof(Floats));
      low[i] += (a_low - b_low) * (a_low - b_low);
      high[i] += (a_high - b_high) * (a_high - b_high);
    }
  }
  Quarter quarter[4];
  for (int i = 0; i < 4; ++i) {
    const Floats eight = low[i] + high[i];
    Quarter halves[2];
    std::memcpy(halves, &eight, sizeof(eight));
    quarter[i] = halves[0] + halves[1];
  }
  // Two lanes of two sums, then one lane of all four.
  const Quarter first = __builtin_shufflevector(quarter[0], quarter[1], 0, 4, 1, 5) +
                        __builtin_shufflevector(quarter[0], quarter[1], 2, 6, 3, 7);
  const Quarter second = __builtin_shufflevector(quarter[2], quarter[3], 0, 4, 1, 5) +
                         __builtin_shufflevector(quarter[2], quarter[3], 2, 6, 3, 7);
  const Quarter sum = __builtin_shufflevector(first, second, 0, 1, 4, 5) +
                      __builtin_shufflevector(first, second, 2, 3, 6, 7);
  std::memcpy(out, &sum, sizeof(sum));
  for (; d < width; ++d) {
    for (int i = 0; i < 4; ++i) out[i] += (a[d] - b[i][d]) * (a[d] - b[i][d]);
  }
}

TSREC_SIMD int64_t nearest_of(const float* product, const float* half_norm, int64_t count) {
  constexpr float kNone = std::numeric_limits<float>::infinity();
  Floats best = Floats{} + kNone;
  Ints index = Ints{} + (1 << 30), number = {0, 1, 2, 3, 4, 5, 6, 7};
  int64_t k = 0;
  for (; k + kVector <= count; k += kVector) {
    Floats norms, products;
    std::memcpy(&norms, half_norm + k, sizeof(norms));
    std::memcpy(&products, product + k, sizeof(products));
    const Floats score = norms - products;
    const Ints is_better = score < best;  // a lane's indices ascend: the first one stays
    best = is_better ? score : best;
    index = is_better ? number : index;
    number += static_cast<int32_t>(kVector);
  }
  float smallest = kNone;
  int64_t nearest = std::numeric_limits<int64_t>::max();
  const auto see = [&](float score, int64_t at) {
    if (score < smallest || (score == smallest && at < nearest)) {
      smallest = score;
      nearest = at;
    }
  };
  for (int64_t l = 0; l < kVector; ++l) see(best[l], index[l]);
  for (; k < count; ++k) see(half_norm[k] - product[k], k);
  return nearest;
}

TSREC_SIMD void distances_of(const float* product, const float* half_norm, float square,
                             int64_t count, float* bound) {
  for (int64_t k = 0; k < count; ++k) {
    const float squared = square + 2 * (half_norm[k] - product[k]);
    bound[k] = __builtin_sqrtf(squared > 0 ? squared : 0);
  }
}

TSREC_SIMD void fold_bounds(const float* bound, int64_t count, const float* travelled,
                            int64_t blocks, float* lower) {
  for (int64_t b = 0; b < blocks; ++b) lower[b] = bound[b];
  for (int64_t first = blocks; first < count; first += blocks) {
    const int64_t some = count - first < blocks ? count - first : blocks;
    for (int64_t b = 0; b < some; ++b)
      lower[b] = bound[first + b] < lower[b] ? bound[first + b] : lower[b];
  }
  for (int64_t b = 0; b < blocks; ++b) lower[b] = (lower[b] + travelled[b]) * kDown;
}

TSREC_SIMD int64_t list_open(const float* lower, const float* travelled, const float* gap,
                             float distance, int64_t blocks, int32_t* open) {
  constexpr int64_t kAtOnce = 4;
  constexpr Ints kBit = {1, 2, 4, 8, 16, 32, 64, 128};
  int64_t count = 0, b = 0;
  for (; b + kAtOnce * kVector <= blocks; b += kAtOnce * kVector) {
    Ints any = {};  // a bit for every open block
    for (int64_t v = 0; v < kAtOnce; ++v) {
      Floats bound, way, half;
      std::memcpy(&bound, lower + b + v * kVector, sizeof(bound));
      std::memcpy(&way, travelled + b + v * kVector, sizeof(way));
      std::memcpy(&half, gap + b + v * kVector, sizeof(half));
      any |= (bound - way <= distance) & (half <= distance) & (kBit << static_cast<int>(8 * v));
    }
    uint64_t part[4];
    std::memcpy(part, &any, sizeof(any));
    const uint64_t two = part[0] | part[1] | part[2] | part[3];
    for (auto bits = static_cast<uint32_t>(two | (two >> 32)); bits != 0; bits &= bits - 1)
      open[count++] = static_cast<int32_t>(b + std::countr_zero(bits));
  }
  for (; b < blocks; ++b) {
    open[count] = static_cast<int32_t>(b);
    count += is_open(lower, travelled, gap, distance, b) ? 1 : 0;
  }
  return count;
}

TSREC_SIMD void add_to(double* sum, const float* x, double times, int64_t width) {
  for (int64_t d = 0; d < width; ++d) sum[d] += times * static_cast<double>(x[d]);
}

}  // namespace tsrec::cluster
