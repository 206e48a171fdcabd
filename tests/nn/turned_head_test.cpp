// The head over bfloat16 states by turned products, against formulas in float64.
#include <ATen/Parallel.h>

#include <random>

#include "block_product.hpp"
#include "support/support.hpp"
#include "tsrec/nn/head.hpp"

namespace tsrec::test {
namespace {

torch::Tensor exactly(const torch::Tensor& x) { return x.to(torch::kFloat64); }
torch::Tensor leaf_of(const torch::Tensor& x) {
  return x.to(torch::kBFloat16).detach().clone().requires_grad_();
}

// Fewer and more states than a panel and than those laid out at once, whole panels and parts of
// them; words that fill their blocks or not, an odd number of them; widths without a whole line.
TEST(TurnedHead, LogProbsAndGradientsAreThoseOfTheFormula) {
  if (!has_block_product()) GTEST_SKIP() << "this processor does not multiply bfloat16";
  const auto generator = at::detail::createCPUGenerator(std::random_device{}());
  for (const auto& [states, words, width] : std::vector<std::array<int64_t, 3>>{
           {1, 7, 2}, {16, 129, 30}, {65, 1024, 64}, {130, 2051, 160}, {600, 1500, 34}}) {
    const torch::Tensor h_UD = leaf_of(torch::randn({states, width}, generator)),
                        w_VD = leaf_of(torch::randn({words, width}, generator)),
                        label_U = torch::randint(words, {states}, generator, torch::kInt64),
                        probe_U = torch::randn({states}, generator);
    const auto wide = std::vector{exactly(h_UD).detach().requires_grad_(),
                                  exactly(w_VD).detach().requires_grad_()};
    const torch::Tensor z_UV = torch::matmul(wide[0], wide[1].t());
    const torch::Tensor wanted_U =
        torch::log_softmax(z_UV, 1).gather(1, label_U.unsqueeze(1)).squeeze(1);
    const torch::Tensor got_U = nn::label_log_prob({w_VD}, h_UD, label_U);
    // Logits of some 50 are float32: rounded to bfloat16 they would be .1 away.
    EXPECT_LT((got_U - wanted_U).abs().max().item<double>(), 1e-4) << states;
    EXPECT_LT((nn::log_normalizer({w_VD}, h_UD) - z_UV.logsumexp(1)).abs().max().item<double>(),
              1e-4);
    const auto got = torch::autograd::grad({(got_U * probe_U).sum()}, {h_UD, w_VD});
    const auto wanted = torch::autograd::grad({(wanted_U * probe_U).sum()}, wide, {}, true);
    // A gradient is a sum of which every term is rounded by itself. Where terms cancel, the errors
    // are as large as the terms, whose squares add: their size counts beside that of the sum.
    const torch::Tensor slope_UV = torch::autograd::grad({(wanted_U * probe_U).sum()}, {z_UV})[0];
    const auto terms = std::vector{slope_UV.square().mm(wide[1].square()).sqrt(),
                                   slope_UV.t().square().mm(wide[0].square()).sqrt()};
    for (size_t i = 0; i < 2; ++i) {
      const torch::Tensor error = exactly(got[i]) - wanted[i], scale = wanted[i].abs() + terms[i];
      EXPECT_LT(error.norm().item<double>(), 4e-3 * scale.norm().item<double>() + 1e-6)
          << states << " " << i;
      EXPECT_LT(error.abs().max().item<double>(), 8e-3 * scale.max().item<double>() + 1e-6);
    }
  }
}

// How many threads share the blocks of words changes nothing, nor does who else is beside.
TEST(TurnedHead, TheNumberOfThreadsChangesNoByte) {
  if (!has_block_product()) GTEST_SKIP() << "this processor does not multiply bfloat16";
  const auto generator = at::detail::createCPUGenerator(5);
  const torch::Tensor h_UD = leaf_of(torch::randn({200, 32}, generator)),
                      w_VD = leaf_of(torch::randn({3000, 32}, generator)),
                      label_U = torch::randint(3000, {200}, generator, torch::kInt64);
  const auto of = [&](int threads) {
    const int before = at::get_num_threads();
    at::set_num_threads(threads);
    const torch::Tensor log_prob_U = nn::label_log_prob({w_VD}, h_UD, label_U);
    auto result = torch::autograd::grad({log_prob_U.sum()}, {h_UD, w_VD});
    result.push_back(log_prob_U.detach());
    at::set_num_threads(before);
    return result;
  };
  const auto one = of(1), three = of(3);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(torch::equal(one[i], three[i])) << i;
}

}  // namespace
}  // namespace tsrec::test
