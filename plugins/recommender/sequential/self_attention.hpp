// Softmax attention of a sequence to itself, over projections of its tokens.
#pragma once

#include "layers.hpp"

namespace tsrec::sequential {

struct SelfAttention {
  SelfAttention(Parameters& parameters, const std::string& name, int64_t width, int64_t num_heads);
  // query_TD: what asks; x_TD: what gives keys and values, up to the query's token or both ways.
  torch::Tensor operator()(const torch::Tensor& query_TD, const torch::Tensor& x_TD,
                           const std::vector<int64_t>& offset_B1, bool is_causal,
                           const nn::Dropout& dropout) const;
  int64_t heads;
  Linear query, key, value;
};

}  // namespace tsrec::sequential
