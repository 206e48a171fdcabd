// Multiply-adds that touch nothing but registers: what the arithmetic of one processor core can do.
#pragma once

#include <cstdint>

namespace tsrec::host {

// Each does so many rounds of independent multiply-adds and returns their FLOPs; 0 where the
// processor has no instruction for them.
double float32_multiply_adds(int64_t rounds);
double bfloat16_multiply_adds(int64_t rounds);  // pairs of bfloat16 numbers, summed in float32

}  // namespace tsrec::host
