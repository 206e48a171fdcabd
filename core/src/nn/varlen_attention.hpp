// Attention of a GPU over sequences that lie behind each other, without padding and without a mask.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

// Sequence s: the queries from begin_q[s] to begin_q[s + 1] and the keys from begin_k[s] to
// begin_k[s + 1]. Its last query sees all of its keys, the one before it all but the last, and so
// on.
struct Sequences {
  torch::Tensor begin_q, begin_k;  // [S + 1] int32, on the device
  int64_t longest_q = 0, longest_k = 0;
};

// q [T, heads, d]; k, v [K, kv heads, d] -> [T, heads, d], scaled by 1/sqrt(d). Differentiable.
// FlashAttention (Dao, 2023) in half precision, the memory-efficient kernel (Rabe and Staats, 2021)
// elsewhere.
TSREC_API torch::Tensor varlen_attention(const torch::Tensor& q_THd, const torch::Tensor& k_KHd,
                                         const torch::Tensor& v_KHd, const Sequences& sequences);

}  // namespace tsrec::nn
