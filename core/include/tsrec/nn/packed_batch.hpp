// One layout for SFT, rollouts, scoring and evaluation: tokens of many rows behind each other, no
// padding.
//
// A batch is a forest of segments. Plain rows are roots; a shared prefix is a parent; a completion
// tree hangs off its prompt. A token sees all tokens of every ancestor segment and the tokens of
// its own segment up to itself.
#pragma once

#include "tsrec/error.hpp"

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
  // Supervision, int64: the hidden state at token at_R predicts label_R. `at` repeats where one
  // position predicts several labels. row_R is the number of the row. A label that the end of
  // prompt b inside the past predicts has at_R = num_tokens + b (label_log_probs.hpp).
  torch::Tensor at_R, label_R, row_R;
  int64_t num_tokens() const { return token_T.defined() ? token_T.size(0) : 0; }
  PackedBatch to(torch::Device device) const;
};

// A row of token ids to learn from: the target's tokens are the labels. A view.
struct TokenRow {
  std::span<const int32_t> prompt, target;
};

struct PackOptions {
  int64_t max_tokens = 4096;  // of one batch; a single longer row gets a batch of its own
  bool share_prefix = true;   // rows that begin with the same tokens share those tokens (exact)
  int64_t parts = 1;  // that many batches of about the same cost, one for each worker, or, where
                      // those were too large, a multiple of it; fewer where there are few rows
};

// A pure function of its inputs: rows in order, cut into batches of at most max_tokens (after
// sharing). The last token of a row predicts nothing and is not computed, unless another row
// continues through it. Throws Error for a row with an empty prompt.
TSREC_API std::vector<PackedBatch> pack(std::span<const TokenRow> rows, const PackOptions& options);
// The same for a range of whatever has a prompt and a target, such as compiled examples.
template <class Examples>
std::vector<PackedBatch> pack(const Examples& examples, const PackOptions& options) {
  static_assert(std::is_lvalue_reference_v<decltype(*std::begin(examples))>,
                "the rows are views, so the examples must stay where they are");
  std::vector<TokenRow> rows;
  for (const auto& example : examples) rows.push_back({example.prompt, example.target});
  return pack(std::span<const TokenRow>(rows), options);
}

// Prompts only, one leaf segment per distinct prompt; `segment_B` is the segment where prompt b
// ends (its last token).
struct PackedPrompts {
  PackedBatch batch;
  std::vector<int32_t> segment_B;
};
TSREC_API PackedPrompts pack_prompts(std::span<const std::vector<int32_t>> prompts,
                                     bool share_prefix);

}  // namespace tsrec::nn
