#include "support/statistics.hpp"

#include <random>

#include "support/support.hpp"

namespace tsrec::test {
namespace {

TEST(Bootstrap, CoversTheTrueMeanOfClusteredRows) {
  int covered = 0;
  constexpr int kTrials = 200;
  for (int trial = 0; trial < kTrials; ++trial) {
    const auto generator = at::detail::createCPUGenerator(static_cast<uint64_t>(trial));
    // 80 users with 3 rows each; rows of a user share half their noise.
    const torch::Tensor shared = torch::randn({80, 1}, generator, torch::kFloat64);
    const torch::Tensor value =
        (2 + shared + torch::randn({80, 3}, generator, torch::kFloat64)).flatten();
    const torch::Tensor user = torch::arange(80).repeat_interleave(3);
    const host::Interval interval =
        host::bootstrap_mean(value, user, 400, static_cast<uint64_t>(trial));
    covered += interval.low <= 2 && 2 <= interval.high;
  }
  EXPECT_GE(covered, kTrials * 90 / 100);
  EXPECT_LE(covered, kTrials * 99 / 100);
}

TEST(Bootstrap, PairedDifferenceFindsAnEffectAndNothingWhereThereIsNone) {
  const auto generator = at::detail::createCPUGenerator(5);
  const torch::Tensor noise = torch::randn({500}, generator, torch::kFloat64),
                      user = torch::arange(500);
  const torch::Tensor other = noise + 0.1 * torch::randn({500}, generator, torch::kFloat64);
  const host::Difference effect = host::paired_bootstrap(noise, other + 0.05, user, 1000, 1);
  EXPECT_NEAR(effect.mean, (other + 0.05 - noise).mean().item<double>(), 1e-12);
  EXPECT_LT(effect.p, 0.01);
  EXPECT_GT(effect.interval.low, 0);
  const host::Difference none = host::paired_bootstrap(noise, noise, user, 1000, 1);
  EXPECT_EQ(none.p, 1);
  EXPECT_EQ(none.mean, 0);
}

TEST(McNemar, IsTheExactBinomialTest) {
  const auto p = [](int64_t only_a, int64_t only_b) {
    const torch::Tensor a =
        torch::cat({torch::ones({only_a}), torch::zeros({only_b}), torch::ones({7})});
    const torch::Tensor b =
        torch::cat({torch::zeros({only_a}), torch::ones({only_b}), torch::ones({7})});
    return host::mcnemar(a, b);
  };
  EXPECT_EQ(p(0, 0), 1);
  EXPECT_NEAR(p(0, 5), 2.0 / 32, 1e-12);
  EXPECT_NEAR(p(3, 1), 2 * (1 + 4) / 16.0, 1e-12);
  EXPECT_EQ(p(4, 4), 1);
}

// Rows that change sides at random, in that share and with that difference, and the share of such
// experiments in which the test finds it.
double power_of(int64_t rows, double changed, double difference) {
  constexpr int kTrials = 1500;
  const double gained = (changed + difference) / 2;
  const auto generator = at::detail::createCPUGenerator(std::random_device{}());
  int found = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const torch::Tensor u_S = torch::rand({rows}, generator, torch::kFloat64);
    const torch::Tensor a_S = u_S >= gained;  // all others are hits of both
    const torch::Tensor b_S = torch::logical_or(u_S < gained, u_S >= changed);
    found += host::mcnemar(a_S.to(torch::kFloat64), b_S.to(torch::kFloat64)) <= 0.05;
  }
  return static_cast<double>(found) / kTrials;
}

TEST(Power, TheDetectableDifferenceIsFoundFourTimesInFive) {
  for (const auto& [rows, changed] :
       std::vector<std::pair<int64_t, double>>{{1000, 0.3}, {2000, 0.06}, {4000, 0.02}}) {
    const std::optional<double> difference = host::detectable_difference(rows, changed);
    ASSERT_TRUE(difference);
    // The equation that it solves, and what comes out of experiments; the exact test finds a little
    // less than the formula's.
    const double n = std::pow(1.959964 * std::sqrt(changed) +
                                  0.841621 * std::sqrt(changed - *difference * *difference),
                              2) /
                     (*difference * *difference);
    EXPECT_NEAR(n, static_cast<double>(rows), 1e-3 * static_cast<double>(rows));
    const double power = power_of(rows, changed, *difference);
    EXPECT_GT(power, 0.72) << rows << " " << changed;
    EXPECT_LT(power, 0.86) << rows << " " << changed;
  }
  EXPECT_FALSE(host::detectable_difference(1000, 0));
  EXPECT_FALSE(host::detectable_difference(0, 0.5));
  EXPECT_FALSE(host::detectable_difference(1000, 0.003)) << "3 rows that all change one way";
}

TEST(Power, DiscordanceCountsHitsOfOneOnly) {
  EXPECT_EQ(
      host::discordance(torch::tensor({1.0, 0.6, 0.5, 0.0}), torch::tensor({1.0, 0.4, 0.4, 1.0})),
      0.5);
  EXPECT_EQ(host::discordance(torch::empty({0}), torch::empty({0})), 0);
}

TEST(Holm, StepsDown) {
  const std::vector<double> adjusted = host::holm({0.04, 0.01, 0.02});
  EXPECT_NEAR(adjusted[0], 0.04, 1e-12);
  EXPECT_NEAR(adjusted[1], 0.03, 1e-12);
  EXPECT_NEAR(adjusted[2], 0.04, 1e-12);
}

}  // namespace
}  // namespace tsrec::test
