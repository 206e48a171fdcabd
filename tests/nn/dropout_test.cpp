// Dropout without a mask: what is kept is a hash of seed and place.
#include "tsrec/nn/dropout.hpp"

#include <cmath>

#include "nn/elementwise_kernel.hpp"
#include "nn/elementwise_operators.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

using nn::Dropout;
using nn::DropoutMask;

constexpr int64_t kMany = 1 << 18;

// 1 where a number is kept, float64.
torch::Tensor kept(const DropoutMask& mask, int64_t count, int64_t first = 0) {
  const torch::Tensor x = torch::ones({count}), y = torch::empty({count});
  nn::drop(x.const_data_ptr<float>(), first, count, mask, y.mutable_data_ptr<float>());
  const torch::Tensor is_kept = y != 0;
  EXPECT_TRUE((y.masked_select(is_kept) == 1 / (1 - mask.probability)).all().item<bool>());
  return is_kept.to(torch::kFloat64);
}

// Of the mean of `count` numbers that are 1 with this probability.
double five_errors(double probability, int64_t count) {
  return 5 * std::sqrt(probability * (1 - probability) / static_cast<double>(count));
}

void expect_independent(const torch::Tensor& a, const torch::Tensor& b, const std::string& what) {
  const double expected = a.mean().item<double>() * b.mean().item<double>();
  EXPECT_NEAR((a * b).mean().item<double>(), expected, five_errors(expected, a.numel())) << what;
}

TEST(DropoutMask, KeepsItsShareWhateverTheSeed) {
  for (const float share : {0.01f, 0.2f, 0.4f, 0.5f, 0.95f}) {
    for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{17} << 32, ~uint64_t{0}}) {
      const double probability = 1 - static_cast<double>(share);
      EXPECT_NEAR(kept({seed, share}, kMany).mean().item<double>(), probability,
                  five_errors(probability, kMany))
          << share << ", seed " << seed;
    }
  }
}

// Whatever is cut where: threads and lanes change nothing.
TEST(DropoutMask, IsOfThePlaceAlone) {
  const DropoutMask mask{.seed = 0x123456789ABCDEF, .probability = 0.4f};
  const torch::Tensor whole = kept(mask, 1000);
  for (int64_t place = 0; place < 1000; ++place)
    EXPECT_EQ(whole[place].item<double>() > 0, nn::kept_scale(mask, place) > 0);
  for (const int64_t first : {1, 7, 16, 515})
    EXPECT_TRUE(torch::equal(kept(mask, 333, first), whole.slice(0, first, first + 333)));
}

TEST(DropoutMask, PlacesAndSeedsAreIndependent) {
  const float share = 0.4f;
  const uint64_t seed = 0xFEDCBA9876543210;
  const torch::Tensor one = kept({seed, share}, kMany);
  for (const int64_t apart : {1, 2, 16, 64, 4096}) {
    expect_independent(one.slice(0, 0, kMany - apart), one.slice(0, apart),
                       c10::str(apart, " apart"));
  }
  for (int bit = 0; bit < 64; ++bit) {
    expect_independent(one, kept({seed ^ (uint64_t{1} << bit), share}, kMany),
                       c10::str("bit ", bit, " of the seed"));
  }
}

TEST(Dropout, DrawsForEverySiteAndStepAnew) {
  TestContext context;
  const auto draw = [&](int64_t step, int64_t sites) {
    const Dropout dropout(0.4, context.generator("dropout", step));
    torch::Tensor y;
    for (int64_t site = 0; site < sites; ++site) y = dropout(torch::ones({kMany}));
    return y;
  };
  EXPECT_TRUE(torch::equal(draw(3, 2), draw(3, 2)));
  const auto is_kept = [](const torch::Tensor& y) { return (y != 0).to(torch::kFloat64); };
  expect_independent(is_kept(draw(3, 1)), is_kept(draw(3, 2)), "two sites of a step");
  expect_independent(is_kept(draw(3, 1)), is_kept(draw(4, 1)), "a site in two steps");
}

TEST(Dropout, BackwardDropsWhatForwardDropped) {
  TestContext context;
  const Dropout dropout(0.3, context.generator("dropout", 1));
  const torch::Tensor x = torch::rand({1000, 70}).add_(1).requires_grad_(),
                      weight = torch::rand_like(x);
  const torch::Tensor y = dropout(x);
  (y * weight).sum().backward();
  const torch::Tensor is_kept = y != 0;
  EXPECT_TRUE(torch::equal(x.grad(), is_kept * (weight * (1 / (1 - 0.3f)))));
  EXPECT_TRUE(torch::equal(y, is_kept * (x * (1 / (1 - 0.3f)))));
}

TEST(Dropout, WithoutAGeneratorOrAShareNothingIsDropped) {
  TestContext context;
  const torch::Tensor x = torch::rand({9});
  EXPECT_TRUE(torch::equal(Dropout()(x), x));
  EXPECT_TRUE(torch::equal(Dropout(0, context.generator("dropout", 1))(x), x));
}

// By the formula, on processor and device alike, in value and in both gradients.
TEST(Dropout, OfABranchThatIsAdded) {
  for (const torch::ScalarType type : {torch::kFloat32, torch::kFloat64}) {
    const auto generator = [] { return at::detail::createCPUGenerator(11); };
    const torch::Tensor x = torch::randn({400, 64}, generator()).to(type).requires_grad_(),
                        branch =
                            (torch::rand({400, 64}, generator()) + 1).to(type).requires_grad_(),
                        weight = torch::randn({400, 64}, generator()).to(type);
    const DropoutMask mask = Dropout(0.3, generator()).next();
    torch::Tensor scale = torch::empty({400, 64}, torch::kFloat64);
    for (int64_t place = 0; place < scale.numel(); ++place)
      scale.flatten()[place] = nn::kept_scale(mask, place);
    scale = scale.to(type);
    EXPECT_TRUE(torch::allclose(nn::kept_scale(branch, mask), scale));
    const torch::Tensor y = Dropout(0.3, generator()).sum(x, branch);
    EXPECT_TRUE(torch::allclose(y, x + branch * scale, 1e-5, 1e-6));
    (y * weight).sum().backward();
    EXPECT_TRUE(torch::equal(x.grad(), weight));
    EXPECT_TRUE(torch::allclose(branch.grad(), weight * scale));
  }
}

TEST(Dropout, InBfloat16IsThatOfFloat32Rounded) {
  const auto run = [](torch::ScalarType type) {
    const Dropout dropout(0.4, at::detail::createCPUGenerator(12));
    const auto numbers = [&](uint64_t seed) {
      return torch::randn({70, 24}, at::detail::createCPUGenerator(seed))
          .to(torch::kBFloat16)
          .to(type);
    };
    const torch::Tensor x = numbers(13), branch = numbers(14).requires_grad_();
    const torch::Tensor y = dropout.sum(x, branch), alone = dropout(branch);
    ((y + alone) * numbers(15)).sum().backward();
    return std::array{y.detach().to(torch::kBFloat16), alone.detach().to(torch::kBFloat16),
                      branch.grad().to(torch::kBFloat16)};
  };
  const auto exact = run(torch::kFloat32), got = run(torch::kBFloat16);
  EXPECT_TRUE(torch::equal(got[0], exact[0]));
  EXPECT_TRUE(torch::equal(got[1], exact[1]));
  EXPECT_TRUE(
      torch::allclose(got[2].to(torch::kFloat32), exact[2].to(torch::kFloat32), 2e-2, 2e-2));
}

}  // namespace
}  // namespace tsrec::test
