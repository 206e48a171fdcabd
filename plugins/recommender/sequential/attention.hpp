// Attention within sequences that lie behind each other, without padding.
#pragma once

#include <functional>

#include "tsrec/error.hpp"
#include "tsrec/nn/dropout_mask.hpp"

namespace tsrec::sequential {

// Of the pairs (query i, key j <= i) of causal attention in all sequences, sequence by sequence,
// query by query, oldest key first: int64 [P], value(token of the query, token of the key), which
// any thread may ask.
torch::Tensor of_pairs(const std::vector<int64_t>& offset_B1,
                       const std::function<int64_t(int64_t query, int64_t key)>& value);

struct AttentionOptions {
  // softmax: exp(s) over the sum of the query's; silu: silu(s) / divisor, each key for itself.
  enum class Weighting { softmax, silu } weighting = Weighting::softmax;
  bool is_causal = true;          // keys up to the query's token; else all of the sequence
  double scale = 1, divisor = 1;  // s = scale * q k + bias
  torch::Tensor bias_P = {};      // float32, pair by pair, of all heads; may be undefined
  nn::DropoutMask dropout = {};   // of the weights
};

// q, k: [T, heads, head width]; v: [T, heads, value width] -> [T, heads, value width], float32 on
// the CPU. Differentiable in q, k, v and bias_P. Equal bytes for any number of threads.
torch::Tensor jagged_attention(const torch::Tensor& q_THd, const torch::Tensor& k_THd,
                               const torch::Tensor& v_THe, const std::vector<int64_t>& offset_B1,
                               const AttentionOptions& options);

}  // namespace tsrec::sequential
