// The head's logits of bfloat16 states, turned: a row for each word of a range of the vocabulary, a
// column for each of up to 64 states, which makes a panel. The words' rows are then the first
// matrix of each product and need no copy, and passes over the vocabulary run in lanes of states.
#pragma once

#include "simd.hpp"

namespace tsrec::nn {

inline constexpr int64_t kPanel = 64;

// Copies for products whose second matrix lies in pairs of rows (block_product.hpp).
//
// x [rows, width], at most kPanel rows of an even width -> its transpose in pairs,
// [width / 2, kPanel, 2]; columns without a row become 0.
void pair_transposed(const Bfloat16* x, int64_t rows, int64_t width, Bfloat16* to);
// x [rows, width] -> [padded / 2, width, 2], padded even; rows that are not there become 0.
void pair_rows(const Bfloat16* x, int64_t rows, int64_t padded, int64_t width, Bfloat16* to);
// x [rows, width] -> its transpose [width, stride]; columns from `rows` to the next whole 32 become
// 0, which the stride has room for.
void transpose(const Bfloat16* x, int64_t rows, int64_t width, Bfloat16* to, int64_t stride);

// Below: a panel of logits, [rows, kPanel], of which `columns`, a multiple of 16, are looked at.

// Of each state: the largest logit, and the sum of exp(logit - largest).
void panel_log_sums(const float* logit, int64_t rows, int64_t columns, float* largest, float* sum);
// Joins log-sum-exps: of (largest, sum) and (other_largest, other_sum).
void join_log_sums(int64_t count, const float* other_largest, const float* other_sum,
                   float* largest, float* sum);
// logit <- factor exp(logit - normalizer), both by state.
void scale_panel_softmax(float* logit, int64_t rows, int64_t columns, const float* normalizer,
                         const float* factor);
// Rounds a panel twice: to `rows` rows, `stride` apart, and to their pairs [rows / 2, kPanel, 2],
// where an odd last row is paired with 0.
void narrow_panel(const float* logit, int64_t rows, int64_t columns, Bfloat16* to, int64_t stride,
                  Bfloat16* pairs);

}  // namespace tsrec::nn
