// Which numbers dropout keeps, over plain memory: whether a number is kept is a hash of a seed and
// of the number's place. No mask is stored: backward draws again what forward drew, in lanes, on
// any thread, and every device drops the same numbers.
#pragma once

#include <cstdint>

namespace tsrec::nn {

struct DropoutMask {
  uint64_t seed = 0;
  float probability = 0;  // of being dropped
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

// What the number at this place is multiplied by: 0, or 1 / (1 - probability). Places are told
// apart by their lowest 32 bits.
inline float kept_scale(const DropoutMask& mask, int64_t place) {
  const uint32_t bits = hashed(mask.seed, static_cast<uint32_t>(place)) >> 8;
  const float uniform = static_cast<float>(static_cast<int32_t>(bits)) * 0x1p-24f;
  return uniform >= mask.probability ? 1.0f / (1.0f - mask.probability) : 0.0f;
}

}  // namespace tsrec::nn
