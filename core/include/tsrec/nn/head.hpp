// The language-model head, evaluated only where a label or a candidate is.
#pragma once

#include "tsrec/error.hpp"
#include "tsrec/row_range.hpp"

namespace tsrec::nn {

struct Head {
  torch::Tensor weight_VD;  // in the precision of the hidden states, or narrower where none trains
  // Where weight_VD is frozen and the rows of tokens that were added learn: those, which stand
  // behind it. Else undefined.
  torch::Tensor new_ED = {};

  int64_t num_rows() const { return weight_VD.size(0) + (new_ED.defined() ? new_ED.size(0) : 0); }
  torch::Tensor whole() const {
    return new_ED.defined() ? at::cat({weight_VD, new_ED}) : weight_VD;
  }
};

// [R, rows.count], float32: logits of a contiguous slice of the vocabulary.
TSREC_API torch::Tensor logits(const Head& head, const torch::Tensor& h_RD, RowRange rows);
// [R], float32: log-sum-exp over the whole vocabulary; logits exist `chunk_rows` rows at a time. No
// gradient.
TSREC_API torch::Tensor log_normalizer(const Head& head, const torch::Tensor& h_RD,
                                       int64_t chunk_rows = 1024);
// [R], float32: log softmax over the whole vocabulary at label_R; differentiable in h and in what
// of the head learns. Logits exist chunk by chunk and are recomputed in backward.
TSREC_API torch::Tensor label_log_prob(const Head& head, const torch::Tensor& h_RD,
                                       const torch::Tensor& label_R, int64_t chunk_rows = 1024);

// Labels by the hidden state that predicts them. Where one state predicts several, as it does
// where completions of one prompt begin alike, it is multiplied with the head once.
struct StateLabels {
  torch::Tensor at_U;      // int64: the states, each once, ascending
  torch::Tensor first_U1;  // int64, [U + 1], on the CPU: number of a state's first label, and R
  torch::Tensor label_R;   // int64: by state, those of one state in the order in which they came
  torch::Tensor number_R;  // int64: the number of each label in the order in which they came
  int64_t num_states() const { return at_U.size(0); }
};
// at_R, label_R: int64, on one device; the state at_R[r] predicts label_R[r].
TSREC_API StateLabels by_state(const torch::Tensor& at_R, const torch::Tensor& label_R);
// [R], in the order in which the labels came: as above, of the states among hidden_TD.
TSREC_API torch::Tensor label_log_prob(const Head& head, const torch::Tensor& hidden_TD,
                                       const StateLabels& labels, int64_t chunk_rows = 1024);

}  // namespace tsrec::nn
