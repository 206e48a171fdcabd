// Products of bfloat16 blocks with sums in float32, for callers that lay out both blocks
// themselves: the kernel of oneDNN's whole products, without what a whole product costs around it
// (some 20 microseconds, a copy of its second matrix, and sums rounded to bfloat16).
#pragma once

#include <cstdint>

#include "simd.hpp"
#include "tsrec/abi.hpp"

namespace tsrec {

// Whether processor and LibTorch have that kernel. Not where the processor multiplies tiles of its
// own (AMX), which want other blocks.
TSREC_API bool has_block_product();

// A matrix of `inner` rows whose rows lie in pairs: numbers (r, c) and (r + 1, c) of an even r are
// neighbours, as one instruction multiplies them. stride: from a pair to the one below, in pairs of
// numbers.
struct PairedRows {
  const Bfloat16* data;
  int64_t stride;
};

struct BlockShape {
  int64_t rows, inner, columns;  // inner is even
};

// sum [rows, columns] = a [rows, inner] b [inner, columns], or += that. Strides in numbers. Every
// shape is compiled once for each thread, so there should be few.
void block_product(const BlockShape& shape, const Bfloat16* a, int64_t a_stride, PairedRows b,
                   bool adds, float* sum, int64_t sum_stride);

}  // namespace tsrec
