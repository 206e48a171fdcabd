// Attention without padding against its formula in double precision, with the weights that dropout
// leaves.
#include <ATen/Parallel.h>

#include <cmath>

#include "../../../plugins/recommender/sequential/attention.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

using sequential::AttentionOptions;

struct AttentionCase {
  std::vector<int64_t> offset_B1;
  int64_t heads, width, value_width;
  AttentionOptions options;
};

// One query of one head after the other, for autograd in double precision.
torch::Tensor by_formula(const AttentionCase& of, const torch::Tensor& q, const torch::Tensor& k,
                         const torch::Tensor& v, const torch::Tensor& bias_P) {
  std::vector<torch::Tensor> rows;
  int64_t pair = 0;
  for (size_t b = 0; b + 1 < of.offset_B1.size(); ++b) {
    const int64_t first = of.offset_B1[b];
    for (int64_t i = first; i < of.offset_B1[b + 1]; ++i) {
      const int64_t end = of.options.is_causal ? i + 1 : of.offset_B1[b + 1], keys = end - first;
      std::vector<torch::Tensor> heads;
      for (int64_t h = 0; h < of.heads; ++h) {
        const auto seen = [&](const torch::Tensor& x) {
          return x.slice(0, first, end).select(1, h);
        };
        torch::Tensor score = torch::mv(seen(k), q[i][h]) * of.options.scale;
        if (bias_P.defined()) score = score + bias_P.slice(0, pair, pair + keys);
        torch::Tensor weight = of.options.weighting == AttentionOptions::Weighting::softmax
                                   ? torch::softmax(score, 0)
                                   : score / (1 + torch::exp(-score)) / of.options.divisor;
        std::vector<double> kept;
        for (int64_t j = 0; j < keys; ++j) {
          const float scale = nn::kept_scale(of.options.dropout, (pair + j) * of.heads + h);
          kept.push_back(static_cast<double>(scale));
        }
        heads.push_back(torch::mv(seen(v).t(), weight * torch::tensor(kept, torch::kFloat64)));
      }
      rows.push_back(torch::stack(heads));
      pair += keys;
    }
  }
  return torch::stack(rows);
}

std::vector<AttentionCase> cases() {
  using enum AttentionOptions::Weighting;
  const nn::DropoutMask dropout{.seed = 77, .probability = 0.4f};
  return {{{0, 3, 4, 11}, 1, 64, 64, {.weighting = softmax, .scale = 0.125}},
          {{0, 3, 3, 20}, 3, 21, 16, {.weighting = softmax, .scale = 0.5, .dropout = dropout}},
          {{0, 9, 10}, 2, 5, 7, {.weighting = silu, .divisor = 12, .dropout = dropout}},
          {{0, 1, 30}, 1, 40, 33, {.weighting = silu, .scale = 0.3, .divisor = 4}},
          {{0, 3, 4, 11}, 2, 32, 32, {.weighting = softmax, .is_causal = false, .scale = 0.2}},
          {{0, 3, 3, 20},
           3,
           21,
           16,
           {.weighting = softmax, .is_causal = false, .scale = 0.5, .dropout = dropout}},
          {{0, 9, 10},
           2,
           5,
           7,
           {.weighting = silu, .is_causal = false, .divisor = 12, .dropout = dropout}}};
}

TEST(JaggedAttention, ValuesAndGradientsAreThoseOfTheFormula) {
  torch::manual_seed(4);
  for (AttentionCase of : cases()) {
    for (const bool has_bias : {false, true}) {
      const int64_t tokens = of.offset_B1.back();
      int64_t pairs = 0;
      for (size_t b = 0; b + 1 < of.offset_B1.size(); ++b) {
        const int64_t length = of.offset_B1[b + 1] - of.offset_B1[b];
        pairs += of.options.is_causal ? length * (length + 1) / 2 : length * length;
      }
      std::vector<torch::Tensor> inputs = {torch::randn({tokens, of.heads, of.width}),
                                           torch::randn({tokens, of.heads, of.width}),
                                           torch::randn({tokens, of.heads, of.value_width})};
      if (has_bias) inputs.push_back(torch::randn({pairs}));
      std::vector<torch::Tensor> doubles;
      for (torch::Tensor& input : inputs) {
        doubles.push_back(input.to(torch::kFloat64).requires_grad_());
        input.requires_grad_();
      }
      of.options.bias_P = has_bias ? inputs[3] : torch::Tensor();
      const torch::Tensor out =
          sequential::jagged_attention(inputs[0], inputs[1], inputs[2], of.offset_B1, of.options);
      const torch::Tensor expected = by_formula(of, doubles[0], doubles[1], doubles[2],
                                                has_bias ? doubles[3] : torch::Tensor());
      EXPECT_LT((out - expected).abs().max().item<double>(), 2e-6 * static_cast<double>(tokens));
      const torch::Tensor weight = torch::randn_like(out);
      (out * weight).sum().backward();
      (expected * weight).sum().backward();
      for (size_t i = 0; i < inputs.size(); ++i) {
        const double largest = doubles[i].grad().abs().max().item<double>();
        EXPECT_LT((inputs[i].grad() - doubles[i].grad()).abs().max().item<double>(),
                  2e-5 * (1 + largest))
            << "input " << i;
      }
    }
  }
}

TEST(JaggedAttention, GivesEqualBytesForAnyNumberOfThreads) {
  std::vector<int64_t> offset = {0};
  for (int64_t b = 0; b < 60; ++b) offset.push_back(offset.back() + b % 7);
  const auto bytes = [&](int threads, bool is_causal) {
    const int before = at::get_num_threads();
    at::set_num_threads(threads);
    torch::manual_seed(4);
    const torch::Tensor x = torch::randn({offset.back(), 2, 16}).requires_grad_();
    const torch::Tensor out = sequential::jagged_attention(
        x, x * 0.5, x * 2, offset,
        {.is_causal = is_causal, .dropout = {.seed = 5, .probability = 0.3f}});
    out.square().sum().backward();
    at::set_num_threads(before);
    return std::pair(out.detach(), x.grad());
  };
  for (const bool is_causal : {true, false}) {
    const auto one = bytes(1, is_causal), two = bytes(2, is_causal);
    EXPECT_TRUE(torch::equal(one.first, two.first));
    EXPECT_TRUE(torch::equal(one.second, two.second));
  }
}

}  // namespace
}  // namespace tsrec::test
