// Who sees what in the decoder: tokens that see equally many others are computed together, so that
// there is neither padding nor a mask.
#pragma once

#include "tsrec/nn/model_state.hpp"

namespace tsrec::tiger {

// Prompts of one length, which the encoder computed behind each other.
struct PromptGroup {
  int64_t count = 0, length = 0;
  int64_t num_tokens() const { return count * length; }
};

// Of a decoder's forest of segments, whose roots are start tokens: root p answers prompt p.
struct Paths {
  std::vector<int64_t> prompt_S;               // that a segment stands behind
  std::vector<std::vector<int64_t>> token_SN;  // from its root to its end, over all batches

  // segments: those that follow; first_token: number of the batch's first one.
  void append(const std::vector<nn::Segment>& segments, int64_t first_token);
};

// Tokens that each see `visible` tokens of their answer, themselves the last.
struct SelfGroup {
  int64_t visible = 0;
  torch::Tensor key_M;  // of all batches: tokens of the group x visible
};
// Tokens of prompts of one group: `each` of every prompt.
struct CrossGroup {
  size_t prompts = 0;  // the group
  int64_t each = 0;
  torch::Tensor row_C;  // prompts of the group; undefined: all of them, in their order
};
// The batch's tokens group by group, how many each group has, and of each token its place in that
// order.
struct GroupOrder {
  torch::Tensor token_T, place_T;
  std::vector<int64_t> count_G;
};

struct DecoderPlan {
  std::vector<SelfGroup> self;
  std::vector<CrossGroup> cross;
  GroupOrder self_order, cross_order;
};

// The last `count` segments of the paths are the batch's, whose tokens are numbered from
// first_token on.
DecoderPlan plan_of(const Paths& paths, const std::vector<nn::Segment>& batch, int64_t first_token,
                    const std::vector<PromptGroup>& groups, torch::Device device);

}  // namespace tsrec::tiger
