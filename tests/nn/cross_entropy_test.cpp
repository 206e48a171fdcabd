#include "tsrec/nn/cross_entropy.hpp"

#include <gtest/gtest.h>

#include "support/products.hpp"
#include "support/values_and_gradients.hpp"

namespace tsrec::test {
namespace {

torch::Tensor formula(const torch::Tensor& weight_VD, const torch::Tensor& h_RD,
                      const torch::Tensor& label_R) {
  const torch::Tensor z_RV = torch::matmul(h_RD, weight_VD.t());
  return (torch::logsumexp(z_RV, 1) - z_RV.gather(1, label_R.unsqueeze(1)).squeeze(1)).mean();
}

// In one block of rows, in several of which the last is smaller, and over columns; logits far
// apart, and labels at both ends.
TEST(MeanCrossEntropy, IsThatOfTheFormulaWithItsGradients) {
  const int64_t rows = 150, vocabulary = 1100, width = 40;
  const torch::Tensor weight = 2 * drawn({vocabulary, width}, 1), h = drawn({rows, width}, 2);
  torch::Tensor label =
      torch::randint(vocabulary, {rows}, at::detail::createCPUGenerator(3), torch::kInt64);
  label[0] = 0;
  label[1] = vocabulary - 1;
  const auto wanted =
      values_and_gradients({weight.to(torch::kFloat64), h.to(torch::kFloat64)},
                           [&](const auto& x) { return formula(x[0], x[1], label); });
  EXPECT_GT(wanted[0].item<double>(), 10) << "logits that are all alike";
  for (const ProductLibrary library : product_libraries()) {
    const ProductsBy products(library);
    for (const int64_t block : {rows, int64_t{64}, int64_t{1}}) {
      const auto got = values_and_gradients({weight, h}, [&](const auto& x) {
        return nn::mean_cross_entropy(x[0], x[1], label, block * vocabulary);
      });
      for (size_t i = 0; i < got.size(); ++i) {
        EXPECT_LT((got[i] - wanted[i]).norm().item<double>(),
                  1e-5 * wanted[i].norm().item<double>())
            << name_of(library) << ", blocks of " << block << ", " << i;
      }
    }
  }
}

// Of a label that is certain the gradient is 0, not what is left of a difference of large numbers.
TEST(MeanCrossEntropy, IsExactWhereTheLabelIsCertain) {
  const torch::Tensor weight = 200 * torch::eye(64), h = torch::eye(64);
  const auto got = values_and_gradients({weight, h}, [&](const auto& x) {
    return nn::mean_cross_entropy(x[0], x[1], torch::arange(64));
  });
  for (const torch::Tensor& x : got) EXPECT_LT(x.abs().max().item<double>(), 1e-7);
}

TEST(MeanCrossEntropy, AsksNoGradientOfWhatStandsStill) {
  const torch::Tensor weight = drawn({50, 8}, 1), h = drawn({40, 8}, 2),
                      label = torch::arange(40, torch::kInt64);
  for (const bool weight_learns : {true, false}) {
    const torch::Tensor leaf = (weight_learns ? weight : h).clone().requires_grad_();
    nn::mean_cross_entropy(weight_learns ? leaf : weight, weight_learns ? h : leaf, label)
        .backward();
    const torch::Tensor exact = (weight_learns ? weight : h).to(torch::kFloat64).requires_grad_();
    formula(weight_learns ? exact : weight.to(torch::kFloat64),
            weight_learns ? h.to(torch::kFloat64) : exact, label)
        .backward();
    EXPECT_LT((leaf.grad() - exact.grad()).abs().max().item<double>(), 1e-6);
  }
}

}  // namespace
}  // namespace tsrec::test
