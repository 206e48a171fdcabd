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

// By hand: the same users are drawn for every number, whoever stands beside it.
TEST(Bootstrap, NumbersOfAPairShareTheirDraws) {
  constexpr int64_t kUsers = 60, kRows = 2 * kUsers, kResamples = 200;
  constexpr uint64_t kSeed = 11;
  const auto generator = at::detail::createCPUGenerator(std::random_device{}());
  const torch::Tensor difference_CS = torch::randn({3, kRows}, generator, torch::kFloat64) + 0.1;
  const torch::Tensor user_S = torch::arange(kUsers).repeat({2});
  const auto found = host::paired_bootstraps(difference_CS, user_S, kResamples, kSeed);
  ASSERT_EQ(found.size(), 3u);

  auto draws = at::detail::createCPUGenerator(kSeed);
  std::vector<torch::Tensor> means_RC;
  for (int64_t r = 0; r < kResamples; ++r) {
    const torch::Tensor drawn_U = torch::randint(kUsers, {kUsers}, draws, torch::kInt64);
    const torch::Tensor sum_CU = difference_CS.reshape({3, 2, kUsers}).sum(1);
    means_RC.push_back(sum_CU.index_select(1, drawn_U).sum(1) / kRows);
  }
  const torch::Tensor sorted_RC = std::get<0>(torch::stack(means_RC).sort(0));
  for (int64_t c = 0; c < 3; ++c) {
    const host::Difference& one = found[static_cast<size_t>(c)];
    EXPECT_NEAR(one.mean, difference_CS[c].mean().item<double>(), 1e-12);
    EXPECT_NEAR(one.interval.low, sorted_RC[5][c].item<double>(), 1e-12);
    EXPECT_NEAR(one.interval.high, sorted_RC[194][c].item<double>(), 1e-12);
    const int64_t below = (sorted_RC.select(1, c) < 0).sum().item<int64_t>();
    EXPECT_NEAR(one.p,
                std::min(1.0, 2.0 * static_cast<double>(std::min(below, kResamples - below) + 1) /
                                  (kResamples + 1)),
                1e-12);
    const host::Difference alone =
        host::paired_bootstrap(torch::zeros(kRows), difference_CS[c], user_S, kResamples, kSeed);
    EXPECT_EQ(alone.p, one.p);
    EXPECT_EQ(alone.interval.low, one.interval.low);
    EXPECT_EQ(alone.standard_error, one.standard_error);
  }
}

// Beside a number that needs them it gets them.
TEST(Bootstrap, WhatDiffersInNoRowIsTheSameWithoutDraws) {
  const torch::Tensor none_S = torch::zeros({40}, torch::kFloat64);
  const torch::Tensor some_S = torch::randn({40}, torch::kFloat64), user_S = torch::arange(40);
  const host::Difference alone =
      host::paired_bootstraps(none_S.unsqueeze(0), user_S, 100, 3).front();
  const host::Difference beside =
      host::paired_bootstraps(torch::stack({none_S, some_S}), user_S, 100, 3).front();
  EXPECT_EQ(alone.p, beside.p);
  EXPECT_EQ(alone.interval.low, beside.interval.low);
  EXPECT_EQ(alone.interval.high, beside.interval.high);
  EXPECT_EQ(alone.degrees, beside.degrees);
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

TEST(Bootstrap, SeveralNumbersHaveTheIntervalsOfEachAlone) {
  const auto generator = at::detail::createCPUGenerator(std::random_device{}());
  const torch::Tensor value_CS = torch::randn({3, 90}, generator, torch::kFloat64),
                      user_S = torch::randint(40, {90}, generator, torch::kInt64);
  const std::vector<host::Interval> together = host::bootstrap_means(value_CS, user_S, 200, 7);
  ASSERT_EQ(together.size(), 3u);
  for (int64_t c = 0; c < 3; ++c) {
    const host::Interval alone = host::bootstrap_mean(value_CS[c], user_S, 200, 7);
    EXPECT_EQ(together[static_cast<size_t>(c)].low, alone.low);
    EXPECT_EQ(together[static_cast<size_t>(c)].high, alone.high);
  }
  EXPECT_EQ(host::bootstrap_means(value_CS.slice(1, 0, 0), user_S.slice(0, 0, 0), 200, 7).size(),
            3u);
}

// Many users by chance: near the share of all ways, which the normal distribution gives there. The
// sum lies one standard deviation from 0, so that thousands of ways lie on either side of it and
// two seeds hardly ever count the same number of them.
TEST(Permutation, ByChanceIsNearTheExactShareAndAFunctionOfItsSeed) {
  constexpr int64_t kUsers = 300;
  const auto generator = at::detail::createCPUGenerator(std::random_device{}());
  const torch::Tensor user_S = torch::arange(kUsers),
                      noise_S = torch::randn({kUsers}, generator, torch::kFloat64),
                      b_S = noise_S - noise_S.mean() + noise_S.std() / std::sqrt(kUsers),
                      a_S = torch::zeros_like(b_S);
  const auto p_of = [&](uint64_t seed) {
    return host::permutation_test(a_S, b_S, user_S, 20000, seed);
  };
  const double p = p_of(3);
  const double z = b_S.sum().item<double>() / b_S.square().sum().sqrt().item<double>();
  EXPECT_NEAR(p, std::erfc(std::abs(z) / std::sqrt(2.0)), 0.03);
  EXPECT_EQ(p, p_of(3));
  EXPECT_FALSE(p == p_of(4) && p == p_of(5) && p == p_of(6)) << "the seed changes nothing";
  EXPECT_EQ(host::permutation_test(b_S, b_S, user_S, 100, 3), 1);
  EXPECT_EQ(host::permutation_test(a_S, a_S + 1, user_S, 100, 3), 1.0 / 101);
  EXPECT_EQ(
      host::permutation_test(torch::empty({0}), torch::empty({0}), user_S.slice(0, 0, 0), 9, 1), 1);
}

// Rows of every user in every seed: the analysis of variance of a two-way layout without
// replication gives the same variances.
TEST(SeedsAndUsers, IsTheTwoWayAnalysisOfVariance) {
  constexpr int64_t kSeeds = 4, kUsers = 30;
  const auto generator = at::detail::createCPUGenerator(std::random_device{}());
  const torch::Tensor b_KS = torch::randn({kSeeds, 1}, generator, torch::kFloat64) +
                             torch::randn({1, kUsers}, generator, torch::kFloat64) +
                             torch::randn({kSeeds, kUsers}, generator, torch::kFloat64);
  std::vector<host::SeedRows> seeds;
  for (int64_t k = 0; k < kSeeds; ++k) seeds.push_back({b_KS[k], torch::arange(kUsers)});
  const host::Difference found = host::difference_over_seeds(seeds);
  const torch::Tensor of_seed_K = b_KS.mean(1), of_user_S = b_KS.mean(0);
  const torch::Tensor rest_KS = b_KS - of_seed_K.unsqueeze(1) - of_user_S + b_KS.mean();
  const double of_seeds = of_seed_K.var(true).item<double>() / kSeeds,
               of_users = of_user_S.var(true).item<double>() / kUsers,
               together = rest_KS.square().sum().item<double>() / ((kSeeds - 1) * (kUsers - 1)) /
                          (kSeeds * kUsers);
  const double only_users = std::max(0.0, of_users - together), variance = of_seeds + only_users;
  EXPECT_NEAR(found.mean, b_KS.mean().item<double>(), 1e-12);
  EXPECT_NEAR(found.standard_error, std::sqrt(variance), 1e-12);
  const double degrees =
      variance * variance /
      (of_seeds * of_seeds / (kSeeds - 1) + only_users * only_users / (kUsers - 1));
  EXPECT_NEAR(found.degrees, degrees, 1e-9 * degrees);
  EXPECT_NEAR((found.interval.low + found.interval.high) / 2, found.mean, 1e-12);
  EXPECT_EQ(found.p <= 0.05, found.interval.low >= 0 || found.interval.high <= 0);
}

TEST(SeedsAndUsers, WithoutSpreadWithoutRowsAndWithOneSeed) {
  const torch::Tensor user_S = torch::arange(5), one_S = torch::ones({5});
  const std::vector<host::SeedRows> same = {{one_S * 0, user_S}, {one_S * 0, user_S}};
  EXPECT_EQ(host::difference_over_seeds(same).p, 1);
  const std::vector<host::SeedRows> apart = {{one_S, user_S}, {one_S, user_S}, {one_S, user_S}};
  EXPECT_EQ(host::difference_over_seeds(apart).p, 0.25);  // three heads or three tails
  EXPECT_EQ(host::difference_over_seeds(apart).mean, 1);
  const torch::Tensor none = torch::empty({0}, torch::kInt64);
  EXPECT_EQ(host::difference_over_seeds({{none, none}, {none, none}}).p, 1);
  EXPECT_THROW(host::difference_over_seeds({apart[0]}), Error);
}

// A user who is asked in one seed only, and several rows a user: what many resamples of seeds, and
// of users for all of them, say.
TEST(SeedsAndUsers, IsWhatTheHierarchicalBootstrapConvergesTo) {
  constexpr int64_t kSeeds = 6, kUsers = 40;
  const auto generator = at::detail::createCPUGenerator(std::random_device{}());
  torch::Tensor sum_KU = torch::zeros({kSeeds, kUsers}, torch::kFloat64), count_KU = sum_KU.clone();
  std::vector<host::SeedRows> seeds;
  for (int64_t k = 0; k < kSeeds; ++k) {
    const torch::Tensor user_S = torch::randint(kUsers, {150}, generator, torch::kInt64);
    const torch::Tensor value_S = 0.3 * torch::randn({1}, generator, torch::kFloat64) +
                                  torch::randn({150}, generator, torch::kFloat64) +
                                  0.02 * user_S.to(torch::kFloat64);
    seeds.push_back({value_S, user_S});
    sum_KU[k].index_add_(0, user_S, value_S);
    count_KU[k].index_add_(0, user_S, torch::ones_like(value_S));
  }
  const host::MeanOverSeeds over = host::mean_over_seeds(seeds);
  const auto means = [&](bool of_seeds) {
    std::vector<double> drawn;
    for (int r = 0; r < 4000; ++r) {
      const int64_t dim = of_seeds ? 0 : 1;
      const torch::Tensor which =
          torch::randint(sum_KU.size(dim), {sum_KU.size(dim)}, generator, torch::kInt64);
      drawn.push_back(sum_KU.index_select(dim, which).sum().item<double>() /
                      count_KU.index_select(dim, which).sum().item<double>());
    }
    return torch::tensor(drawn, torch::kFloat64).var(false).item<double>();
  };
  const double by_seeds = means(true) * kSeeds / (kSeeds - 1);
  EXPECT_NEAR(over.variance_of_seeds, by_seeds, 0.1 * by_seeds);
  // Of users less what only both move, which has the seeds' part in it.
  EXPECT_LE(over.variance_of_users, 1.1 * means(false) * kUsers / (kUsers - 1));
}

TEST(Equivalence, NeedsToKnowTheSpread) {
  const torch::Tensor one_S = torch::ones({1});
  const host::Difference of_one_user = host::paired_bootstrap(one_S, one_S, torch::arange(1), 9, 1);
  EXPECT_FALSE(host::equivalence(of_one_user, 0.5).is_shown());
  EXPECT_FALSE(host::detectable_difference(of_one_user));
  const torch::Tensor ones_S = torch::ones({9});
  const host::Difference none = host::paired_bootstrap(ones_S, ones_S, torch::arange(9), 9, 1);
  EXPECT_TRUE(host::equivalence(none, 0.5).is_shown());
  EXPECT_FALSE(host::equivalence(none, 0).is_shown());
}

TEST(Holm, StepsDown) {
  const std::vector<double> adjusted = host::holm({0.04, 0.01, 0.02});
  EXPECT_NEAR(adjusted[0], 0.04, 1e-12);
  EXPECT_NEAR(adjusted[1], 0.03, 1e-12);
  EXPECT_NEAR(adjusted[2], 0.04, 1e-12);
}

}  // namespace
}  // namespace tsrec::test
