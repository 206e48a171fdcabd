// Gradients of the rows of words, of the embedding and of the head, where they are added to what a
// parameter keeps.
#include <random>

#include "nn/embedded_rows.hpp"
#include "support/support.hpp"
#include "tsrec/nn/head.hpp"

namespace tsrec::test {
namespace {

// One matrix is embedding and head, as in a tied model; rows of words repeat.
struct TiedWords {
  at::Generator generator = at::detail::createCPUGenerator(std::random_device{}());
  torch::Tensor value_VD = torch::randn({50, 6}, generator).to(torch::kBFloat16);
  torch::Tensor word_T = torch::randint(9, {40}, generator, torch::kInt64),
                label_T = torch::randint(50, {40}, generator, torch::kInt64);

  torch::Tensor loss(const torch::Tensor& w_VD) const {
    const torch::Tensor h_TD = nn::embedded_rows(w_VD, word_T);
    return -nn::label_log_prob({w_VD}, 2 * h_TD, label_T).sum();
  }
  // The same by operators in float64.
  torch::Tensor wanted() const {
    const torch::Tensor w_VD = value_VD.to(torch::kFloat64).requires_grad_();
    const torch::Tensor z_TV = torch::matmul(2 * w_VD.index_select(0, word_T), w_VD.t());
    const torch::Tensor loss = -torch::log_softmax(z_TV, 1).gather(1, label_T.unsqueeze(1)).sum();
    return torch::autograd::grad({loss}, {w_VD})[0];
  }
  torch::Tensor leaf(torch::ScalarType type) const {
    return value_VD.to(type).detach().clone().requires_grad_();
  }
};

double error(const torch::Tensor& got, const torch::Tensor& wanted) {
  return (got.to(torch::kFloat64) - wanted).norm().item<double>() / wanted.norm().item<double>();
}

TEST(WordGradients, AreAddedToWhatTheParameterKeeps) {
  const TiedWords words;
  const torch::Tensor wanted_VD = words.wanted();
  for (const auto& [type, tolerance] : std::vector<std::pair<torch::ScalarType, double>>{
           {torch::kFloat64, 1e-6}, {torch::kFloat32, 1e-5}, {torch::kBFloat16, 1e-2}}) {
    const torch::Tensor w_VD = words.leaf(type);
    const torch::Tensor kept_VD =
        torch::zeros_like(w_VD, torch::TensorOptions().requires_grad(false));
    w_VD.mutable_grad() = kept_VD;
    words.loss(w_VD).backward();
    words.loss(w_VD).backward();
    EXPECT_TRUE(w_VD.grad().is_alias_of(kept_VD)) << type;
    EXPECT_LT(error(kept_VD, 2 * wanted_VD), tolerance) << type;
  }
}

TEST(WordGradients, OfALeafThatKeepsNoneYetAreItsFirst) {
  const TiedWords words;
  const torch::Tensor w_VD = words.leaf(torch::kFloat32);
  words.loss(w_VD).backward();
  EXPECT_LT(error(w_VD.grad(), words.wanted()), 1e-5);
}

TEST(WordGradients, ThatAreOnlyAskedForLeaveWhatIsKept) {
  const TiedWords words;
  const torch::Tensor w_VD = words.leaf(torch::kFloat32);
  w_VD.mutable_grad() = torch::full_like(w_VD.detach(), 3);
  const torch::Tensor got_VD = torch::autograd::grad({words.loss(w_VD)}, {w_VD})[0];
  EXPECT_LT(error(got_VD, words.wanted()), 1e-5);
  EXPECT_TRUE(w_VD.grad().eq(3).all().item<bool>());
}

TEST(WordGradients, AreSeenByHooks) {
  const TiedWords words;
  const torch::Tensor w_VD = words.leaf(torch::kFloat32);
  w_VD.mutable_grad() = torch::zeros_like(w_VD.detach());
  torch::Tensor seen_VD;
  w_VD.register_hook([&](const torch::Tensor& gradient) { seen_VD = gradient.clone(); });
  words.loss(w_VD).backward();
  EXPECT_LT(error(seen_VD, words.wanted()), 1e-5);
  EXPECT_LT(error(w_VD.grad(), words.wanted()), 1e-5);
}

}  // namespace
}  // namespace tsrec::test
