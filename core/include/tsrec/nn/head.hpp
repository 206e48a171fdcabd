// The language-model head, evaluated only where a label or a candidate is.
#pragma once

#include "tsrec/error.hpp"
#include "tsrec/row_range.hpp"

namespace tsrec::nn {

struct Head {
  torch::Tensor weight_VD;  // in the precision of the hidden states, or narrower where none trains
};

// [R, rows.count], float32: logits of a contiguous slice of the vocabulary.
TSREC_API torch::Tensor logits(const Head& head, const torch::Tensor& h_RD, RowRange rows);
// [R], float32: log-sum-exp over the whole vocabulary; logits exist `chunk_rows` rows at a time. No
// gradient.
TSREC_API torch::Tensor log_normalizer(const Head& head, const torch::Tensor& h_RD,
                                       int64_t chunk_rows = 1024);
// [R], float32: log softmax over the whole vocabulary at label_R; differentiable in h and the head.
// Logits exist chunk by chunk and are recomputed in backward.
TSREC_API torch::Tensor label_log_prob(const Head& head, const torch::Tensor& h_RD,
                                       const torch::Tensor& label_R, int64_t chunk_rows = 1024);

}  // namespace tsrec::nn
