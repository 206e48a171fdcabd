// What the kernels share: one source for three instruction sets, memory in float32 or bfloat16, and
// an exponential that vectorises.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

// The instruction set is chosen when the library is loaded.
#define TSREC_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))

namespace tsrec {

// Whether this processor has registers of 64 bytes, and the instructions of x86-64-v4 for them.
inline bool has_avx512() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
         __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
#else
  return false;
#endif
}

// Numbers as they lie in memory. A kernel widens them when it reads, computes in float32, and
// rounds once, to the nearest and to even, when it writes.
struct Bfloat16 {
  uint16_t bits;
};
inline float widened(float x) { return x; }
inline float widened(Bfloat16 x) {
  return std::bit_cast<float>(static_cast<uint32_t>(x.bits) << 16);
}
inline void store(float x, float& to) { to = x; }
inline void store(float x, Bfloat16& to) {
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  to.bits = static_cast<uint16_t>(x == x ? rounded : 0x7FC0);
}

// A product that is rounded before it is added to something, where the compiler knows how to say
// so.
[[gnu::always_inline]] inline float rounded(float product) {
#if __has_builtin(__builtin_assoc_barrier)
  return __builtin_assoc_barrier(product);
#else
  return product;
#endif
}

// exp(x) = 2^n exp(r) with |r| <= ln 2 / 2 and a polynomial for exp(r) (Cephes expf); relative
// error below 2e-7. Clamped to the finite range; without branches or calls, so that loops
// vectorise.
inline float fast_exp(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  const float n = (x * 1.44269504088896341f + kRound) - kRound;
  float r = x - n * 0.693359375f;
  r -= n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

// Sums of long rows in fixed lanes: the compiler vectorises them without reordering a scalar sum.
inline constexpr int64_t kLanes = 16;
inline float lane_sum(const float* lanes) {
  float sum = 0;
  for (int64_t l = 0; l < kLanes; ++l) sum += lanes[l];
  return sum;
}

// Of none: minus infinity.
template <class T>
[[gnu::always_inline]] inline float largest_of(const T* x, int64_t count) {
  constexpr int64_t kMany = 4 * kLanes;  // a comparison waits for the one before it in its lane
  float lanes[kMany];
  for (int64_t l = 0; l < kMany; ++l) lanes[l] = -std::numeric_limits<float>::infinity();
  int64_t i = 0;
  for (; i + kMany <= count; i += kMany) {
    for (int64_t l = 0; l < kMany; ++l) {
      const float value = widened(x[i + l]);
      lanes[l] = value > lanes[l] ? value : lanes[l];
    }
  }
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) {
      const float value = widened(x[i + l]);
      lanes[l] = value > lanes[l] ? value : lanes[l];
    }
  }
  for (; i < count; ++i) lanes[0] = widened(x[i]) > lanes[0] ? widened(x[i]) : lanes[0];
  float largest = lanes[0];
  for (int64_t l = 1; l < kMany; ++l) largest = lanes[l] > largest ? lanes[l] : largest;
  return largest;
}

}  // namespace tsrec
