// Attention of one head over one segment, on bfloat16 memory, by AVX512-BF16's dot products of
// pairs: two multiply-adds a lane. What softmax and its gradient give is rounded to bfloat16 for
// the product behind them; all sums are float32.
#pragma once

#include "nn/attention_kernel.hpp"

namespace tsrec::nn {

// Whether this processor has those instructions, and heads of this width fill its registers.
bool has_attention_by_dots(int64_t head_width);

template <>
AttentionScratchFloats attention_scratch_floats<Bfloat16>(int64_t most_keys, int64_t width);
void attention_forward(const SegmentHead<Bfloat16>& segment, const Bfloat16* query, Bfloat16* out,
                       float* log_sum, int64_t log_sum_stride, const AttentionScratch& scratch);
void attention_backward(const SegmentHead<Bfloat16>& segment, const Bfloat16* query,
                        const Bfloat16* out, const float* log_sum, int64_t log_sum_stride,
                        const Bfloat16* out_gradient, Bfloat16* query_gradient,
                        const AttentionScratch& scratch);

}  // namespace tsrec::nn
