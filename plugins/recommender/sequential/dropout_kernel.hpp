// Dropout that keeps no mask: whether a number is kept is a hash of a seed and of the number's
// place, so that backward draws again what forward drew, in lanes and on any thread.
#pragma once

#include <cstdint>

namespace tsrec::sequential {

struct Dropout {
  uint64_t seed = 0;
  float share = 0;  // that is dropped
};

// 32 well-mixed bits of a counter (the finaliser of MurmurHash3 over two rounds).
inline uint32_t hashed(uint64_t seed, uint32_t place) {
  uint32_t h = place * 0x9E3779B1u ^ static_cast<uint32_t>(seed);
  h = (h ^ (h >> 16)) * 0x85EBCA6Bu;
  h = (h ^ (h >> 13)) * 0xC2B2AE35u;
  h ^= static_cast<uint32_t>(seed >> 32);
  h = (h ^ (h >> 16)) * 0x7FEB352Du;
  h = (h ^ (h >> 15)) * 0x846CA68Bu;
  return h ^ (h >> 16);
}

// What dropout multiplies the number at this place by: 0, or 1 / (1 - share).
inline float kept_scale(const Dropout& dropout, int64_t place) {
  const uint32_t bits = hashed(dropout.seed, static_cast<uint32_t>(place)) >> 8;
  const float uniform = static_cast<float>(static_cast<int32_t>(bits)) * 0x1p-24f;
  return uniform >= dropout.share ? 1.0f / (1.0f - dropout.share) : 0.0f;
}

// y = x kept_scale, of `count` numbers at the places from `first` on.
void drop(const Dropout& dropout, const float* x, int64_t first, int64_t count, float* y);

}  // namespace tsrec::sequential
