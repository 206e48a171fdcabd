#include "tsrec/nn/gru.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "support/products.hpp"
#include "support/values_and_gradients.hpp"

namespace tsrec::test {
namespace {

// One sequence after the other, token by token.
torch::Tensor formula(const torch::Tensor& x_TG, const torch::Tensor& weight_GD,
                      const torch::Tensor& bias_G, const std::vector<int64_t>& running_L) {
  const int64_t width = weight_GD.size(1);
  std::vector<torch::Tensor> h_T(static_cast<size_t>(x_TG.size(0)));
  for (int64_t b = 0; b < running_L.front(); ++b) {
    torch::Tensor h = torch::zeros({width}, x_TG.options());
    int64_t first = 0;
    for (const int64_t rows : running_L) {
      if (b >= rows) break;
      const std::vector<torch::Tensor> x = x_TG[first + b].split(width),
                                       wh = (torch::mv(weight_GD, h) + bias_G).split(width);
      const torch::Tensor r = torch::sigmoid(x[0] + wh[0]), z = torch::sigmoid(x[1] + wh[1]),
                          n = torch::tanh(x[2] + r * wh[2]);
      h = (1 - z) * n + z * h;
      h_T[static_cast<size_t>(first + b)] = h;
      first += rows;
    }
  }
  return torch::stack(h_T);
}

void expect_formula(const std::vector<int64_t>& running_L, int64_t width) {
  int64_t tokens = 0;
  for (const int64_t rows : running_L) tokens += rows;
  const std::vector<torch::Tensor> inputs = {
      drawn({tokens, 3 * width}, 1), 0.7 * drawn({3 * width, width}, 2), drawn({3 * width}, 3)};
  std::vector<torch::Tensor> exact;
  for (const torch::Tensor& input : inputs) exact.push_back(input.to(torch::kFloat64));
  // Rounded last: random weights of the values are drawn in their type, and differ between two.
  const auto wanted = values_and_gradients(exact, [&](const auto& x) {
    return formula(x[0], x[1], x[2], running_L).to(torch::kFloat32);
  });
  const auto got = values_and_gradients(
      inputs, [&](const auto& x) { return nn::gru(x[0], x[1], x[2], running_L); });
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_LT((got[i] - wanted[i]).abs().max().item<double>(),
              2e-5 * (1 + wanted[i].abs().max().item<double>()))
        << i << " of " << running_L << ", width " << width;
  }
}

TEST(Gru, StatesAndGradientsAreThoseOfTheFormula) {
  for (const ProductLibrary library : product_libraries()) {
    const ProductsBy products(library);
    expect_formula({1}, 3);
    expect_formula({5}, 8);  // no second token: the weight has no gradient
    expect_formula({7, 7, 4, 4, 1}, 5);
    expect_formula({90, 88, 33, 2, 1, 1}, 64);  // large enough for every product library
  }
}

TEST(Gru, IsTheSameToTheByteForAnyNumberOfThreads) {
  const std::vector<int64_t> running_L = {70, 40, 3};
  const std::vector<torch::Tensor> inputs = {drawn({113, 24}, 1), drawn({24, 8}, 2),
                                             drawn({24}, 3)};
  const auto run = [&] {
    return values_and_gradients(
        inputs, [&](const auto& x) { return nn::gru(x[0], x[1], x[2], running_L); });
  };
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto one = run();
  at::set_num_threads(2);
  const auto two = run();
  at::set_num_threads(threads);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], two[i])) << i;
}

}  // namespace
}  // namespace tsrec::test
