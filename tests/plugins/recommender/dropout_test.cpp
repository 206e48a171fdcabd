// Dropout without a mask: what is kept is a hash of seed and place.
#include <cmath>

#include "../../../plugins/recommender/sequential/noise.hpp"
#include "plugins/recommender/sequential_world.hpp"

namespace tsrec::test {
namespace {

using sequential::Dropout;
using sequential::Noise;

constexpr int64_t kMany = 1 << 18;

// 1 where a number is kept, float64.
torch::Tensor kept(const Dropout& dropout, int64_t count, int64_t first = 0) {
  const torch::Tensor x = torch::ones({count}), y = torch::empty({count});
  sequential::drop(dropout, x.const_data_ptr<float>(), first, count, y.mutable_data_ptr<float>());
  const torch::Tensor is_kept = y != 0;
  EXPECT_TRUE((y.masked_select(is_kept) == 1 / (1 - dropout.share)).all().item<bool>());
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

TEST(Dropout, KeepsItsShareWhateverTheSeed) {
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
TEST(Dropout, IsOfThePlaceAlone) {
  const Dropout dropout{.seed = 0x123456789ABCDEF, .share = 0.4f};
  const torch::Tensor whole = kept(dropout, 1000);
  for (int64_t place = 0; place < 1000; ++place)
    EXPECT_EQ(whole[place].item<double>() > 0, sequential::kept_scale(dropout, place) > 0);
  for (const int64_t first : {1, 7, 16, 515})
    EXPECT_TRUE(torch::equal(kept(dropout, 333, first), whole.slice(0, first, first + 333)));
}

TEST(Dropout, PlacesAndSeedsAreIndependent) {
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

TEST(Noise, DrawsForEverySiteAndStepAnew) {
  TestContext context;
  const auto draw = [&](int64_t step, int64_t sites) {
    const Noise noise(0.4, context.generator("dropout", step));
    torch::Tensor y;
    for (int64_t site = 0; site < sites; ++site) y = noise(torch::ones({kMany}));
    return y;
  };
  EXPECT_TRUE(torch::equal(draw(3, 2), draw(3, 2)));
  const auto is_kept = [](const torch::Tensor& y) { return (y != 0).to(torch::kFloat64); };
  expect_independent(is_kept(draw(3, 1)), is_kept(draw(3, 2)), "two sites of a step");
  expect_independent(is_kept(draw(3, 1)), is_kept(draw(4, 1)), "a site in two steps");
}

TEST(Noise, BackwardDropsWhatForwardDropped) {
  TestContext context;
  const Noise noise(0.3, context.generator("dropout", 1));
  const torch::Tensor x = torch::rand({1000, 70}).add_(1).requires_grad_(),
                      weight = torch::rand_like(x);
  const torch::Tensor y = noise(x);
  (y * weight).sum().backward();
  const torch::Tensor is_kept = y != 0;
  EXPECT_TRUE(torch::equal(x.grad(), is_kept * (weight * (1 / (1 - 0.3f)))));
  EXPECT_TRUE(torch::equal(y, is_kept * (x * (1 / (1 - 0.3f)))));
}

TEST(Noise, WithoutAGeneratorOrAShareNothingIsDropped) {
  TestContext context;
  const torch::Tensor x = torch::rand({9});
  EXPECT_TRUE(torch::equal(Noise()(x), x));
  EXPECT_TRUE(torch::equal(Noise(0, context.generator("dropout", 1))(x), x));
}

// Of every part, dropout included: along the gradient of a parameter the loss of a step rises as
// the gradient says, as long as the step drops the same again.
TEST(Sequential, GradientIsThatOfTheLossWithItsDropout) {
  for (const std::string name : {"sasrec", "hstu", "gru4rec", "caser", "bert4rec"}) {
    RandomWorld world(/*num_items=*/30, /*num_users=*/40, /*longest=*/12, /*seed=*/9);
    Scattered scattered(world, {.part = name, .options = {{"width", "16"}, {"dropout", "0.5"}}});
    Stepwise& steps = *steps_of(*scattered.part);
    const auto loss = [&](int64_t step) {
      steps.step(step, scattered.context);
      return scattered.context.numbers.at("train.loss").back();
    };
    const double start = loss(0);
    std::vector<torch::Tensor> gradients;
    for (const nn::Parameter& parameter : steps.parameters())
      gradients.push_back(parameter.value.grad().clone());
    for (size_t i = 0; i < gradients.size(); ++i) {
      const nn::Parameter parameter = steps.parameters()[i];
      const double norm = gradients[i].norm().item<double>();
      const torch::Tensor before = parameter.value.detach().clone();
      const auto loss_at = [&](double along) {
        parameter.value.detach().copy_(before + gradients[i] * (along / norm));
        return loss(0);
      };
      constexpr double kStep = 4e-3;
      if (norm > 1e-2) {
        EXPECT_NEAR((loss_at(kStep) - loss_at(-kStep)) / (2 * kStep), norm, 0.02 * norm + 5e-4)
            << name << ": " << parameter.name;
      }
      parameter.value.detach().copy_(before);
    }
    EXPECT_EQ(loss(0), start) << name;
    EXPECT_GT(std::abs(loss(1) - start), 1e-3) << name;  // another step drops others
  }
}

}  // namespace
}  // namespace tsrec::test
