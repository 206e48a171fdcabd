#include "self_attention.hpp"

#include <cmath>

#include "attention.hpp"

namespace tsrec::sequential {

SelfAttention::SelfAttention(Parameters& parameters, const std::string& name, int64_t width,
                             int64_t num_heads)
    : heads(num_heads),
      query(parameters, name + ".query", width, width),
      key(parameters, name + ".key", width, width),
      value(parameters, name + ".value", width, width) {}

torch::Tensor SelfAttention::operator()(const torch::Tensor& query_TD, const torch::Tensor& x_TD,
                                        const std::vector<int64_t>& offset_B1, bool is_causal,
                                        const nn::Dropout& dropout) const {
  const int64_t tokens = x_TD.size(0), width = x_TD.size(1), of_head = width / heads;
  const auto by_head = [&](const torch::Tensor& y_TD) {
    return y_TD.view({tokens, heads, of_head});
  };
  return jagged_attention(by_head(query(query_TD)), by_head(key(x_TD)), by_head(value(x_TD)),
                          offset_B1,
                          {.weighting = AttentionOptions::Weighting::softmax,
                           .is_causal = is_causal,
                           .scale = 1 / std::sqrt(static_cast<double>(of_head)),
                           .dropout = dropout.next()})
      .view({tokens, width});
}

}  // namespace tsrec::sequential
