// Attention of one sequence, over plain memory: tokens are rows of heads, pairs of query and
// key rows of one number for each head.
#pragma once

#include "tsrec/nn/dropout_mask.hpp"

namespace tsrec::sequential {

struct AttentionRule {
  bool is_softmax;          // else each key's weight is silu(score) * share
  bool is_causal;           // a query's keys end with its own token; else with the sequence
  float scale, share;       // score = scale * q k + bias
  nn::DropoutMask dropout;  // of weights, by the place of pair and head
  int64_t heads, width, value_width;
};

// How many pairs come before those of query `number` of a sequence; of number = length: all.
inline int64_t pairs_before(int64_t number, int64_t length, bool is_causal) {
  return is_causal ? number * (number + 1) / 2 : number * length;
}

// Where a sequence's tokens and pairs begin. Its pairs lie query by query, oldest key first.
struct SequencePlace {
  int64_t first_token, length, first_pair;
};

// bias: of all heads; null: none.
struct AttentionInputs {
  const float *q, *k, *v, *bias;
};

struct AttentionGradients {
  float *q, *k, *v;  // added to
  float* score;      // written
};

// out: added to. known: of softmax the weights before dropout, of silu the scores: what backward
// needs.
void attention_forward(const AttentionRule& rule, const SequencePlace& place,
                       const AttentionInputs& inputs, float* known, float* out);
void attention_backward(const AttentionRule& rule, const SequencePlace& place,
                        const AttentionInputs& inputs, const float* known,
                        const float* out_gradient, const AttentionGradients& gradients);

}  // namespace tsrec::sequential
