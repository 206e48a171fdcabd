// One layout for SFT, rollouts, scoring and evaluation: tokens of many rows behind each other, no
// padding.
//
// A batch is a forest of segments. Plain rows are roots; a shared prefix is a parent; a completion
// tree hangs off its prompt. A token sees all tokens of every ancestor segment and the tokens of
// its own segment up to itself.
#pragma once

#include "tsrec/nn/row_range.hpp"
#include "tsrec/prompt.hpp"

namespace tsrec::nn {

// begin: first token in token_T (of the batch that holds the segment). position: position id of its
// first token. parent: number of the parent segment, -1 for a root. With a past of P segments the
// numbers 0..P-1 are the past's and this batch's segments start at P. Parents come first; a child
// attaches at its parent's end.
struct Segment {
  int32_t begin = 0, length = 0, parent = -1, position = 0;
};

struct TSREC_API PackedBatch {
  torch::Tensor token_T, position_T;  // int64
  std::vector<Segment> segments;
  // Supervision: the hidden state at token at_R predicts label_R. `at` repeats where one position
  // predicts several labels. row_R is the index of the example; weight_R its weight (float32); the
  // rest int64. A label that the end of prompt b inside the past predicts has at_R = num_tokens + b
  // (label_log_probs.hpp).
  torch::Tensor at_R, label_R, row_R, weight_R;
  int64_t num_tokens() const { return token_T.defined() ? token_T.size(0) : 0; }
  PackedBatch to(torch::Device device) const;
};

struct PackOptions {
  int64_t max_tokens = 4096;  // of one batch; a single longer row gets a batch of its own
  bool share_prefix = true;   // rows that begin with the same tokens share those tokens (exact)
  int64_t parts = 1;  // at least that many batches, of about the same cost, when there are rows
                      // enough: one for each worker
};

// A pure function of its inputs: examples in order, cut into batches of at most max_tokens (after
// sharing). The last token of a row predicts nothing and is not computed, unless another row
// continues through it.
TSREC_API std::vector<PackedBatch> pack(std::span<const CompiledExample> examples,
                                        const PackOptions& options);

// Prompts only, one leaf segment per distinct prompt; `segment_B` is the segment where prompt b
// ends (its last token).
struct PackedPrompts {
  PackedBatch batch;
  std::vector<int32_t> segment_B;
};
TSREC_API PackedPrompts pack_prompts(std::span<const std::vector<int32_t>> prompts,
                                     bool share_prefix);

}  // namespace tsrec::nn
