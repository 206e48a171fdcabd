// Looks at a difference behind one seed after the other: what is spent, what the interval holds,
// and how often nothing is found to be something.
#include "support/sequential.hpp"

#include <cmath>
#include <random>

#include "support/support.hpp"

namespace tsrec::test {
namespace {

using host::Decision;
using host::SeedRows;
using host::SequentialRule;

constexpr int64_t kUsers = 30, kRowsOfUser = 2;  // of each user

// Differences of two cells: something of the seed, of the user, who is the same under every seed,
// and of the row.
class World {
 public:
  World(double effect, double of_seed, double of_user, double of_row, uint32_t seed)
      : random_(seed), effect_(effect), of_seed_(of_seed), of_row_(of_row) {
    for (int64_t user = 0; user < kUsers; ++user) users_.push_back(of_user * normal_(random_));
  }
  SeedRows next_seed() {
    const double seed = of_seed_ * normal_(random_);
    std::vector<double> values;
    std::vector<int64_t> of;
    for (int64_t user = 0; user < kUsers; ++user) {
      for (int64_t row = 0; row < kRowsOfUser; ++row) {
        values.push_back(effect_ + seed + users_[static_cast<size_t>(user)] +
                         of_row_ * normal_(random_));
        of.push_back(user);
      }
    }
    return {torch::tensor(values, torch::kFloat64), torch::tensor(of)};
  }

 private:
  std::mt19937 random_;
  std::normal_distribution<double> normal_;
  double effect_, of_seed_, of_row_;
  std::vector<double> users_;
};

// The share of families of comparisons in which at least one has that outcome at some look.
// decide: the look.
template <class Decide>
double share_with(host::Outcome outcome, const SequentialRule& rule, double effect, double of_seed,
                  double of_user, int families, const Decide& decide) {
  int found = 0;
  for (int family = 0; family < families; ++family) {
    bool has = false;
    for (int64_t cell = 0; cell < rule.comparisons && !has; ++cell) {
      World world(effect, of_seed, of_user, 0.3, static_cast<uint32_t>(family * 31 + cell + 1));
      std::vector<SeedRows> seeds;
      for (int64_t count = 1; count <= rule.max_seeds && !has; ++count) {
        seeds.push_back(world.next_seed());
        if (count < rule.min_seeds) continue;
        const host::Outcome now = decide(seeds);
        has = now == outcome;
        if (now != host::Outcome::open) break;
      }
    }
    found += has ? 1 : 0;
  }
  return static_cast<double>(found) / families;
}

TEST(Sequential, SpendsItsLevelAndNoMore) {
  for (const int64_t comparisons : {1, 4}) {
    const SequentialRule rule{
        .margin = 0, .min_seeds = 3, .max_seeds = 10, .comparisons = comparisons};
    double spent = 0;
    for (int64_t seeds = 3; seeds <= 10; ++seeds) {
      const double level = host::level_of_look(rule, seeds);
      EXPECT_GT(level, 0);
      spent += level;
      // Of Lan and DeMets: alpha ln(1 + (e - 1) t).
      EXPECT_NEAR(spent * static_cast<double>(comparisons),
                  0.05 * std::log(1 + (std::exp(1.0) - 1) * static_cast<double>(seeds) / 10),
                  1e-12);
    }
    EXPECT_NEAR(spent * static_cast<double>(comparisons), 0.05, 1e-12);
  }
}

// With one row for each user and seed: the formula, written down once more; t of 2.5 % with two
// degrees of freedom is 4.302653.
TEST(Sequential, TheIntervalHoldsSeedsAndUsers) {
  const torch::Tensor user_S = torch::arange(4);
  const std::vector<std::vector<double>> values = {{1, 2, 0, 3}, {2, 2, 1, 5}, {0, 1, 1, 2}};
  std::vector<SeedRows> seeds;
  for (const auto& row : values) seeds.push_back({torch::tensor(row, torch::kFloat64), user_S});
  const torch::Tensor all_SU =
      torch::stack({seeds[0].difference_S, seeds[1].difference_S, seeds[2].difference_S});
  const double of_seeds = all_SU.mean(1).var(/*unbiased=*/true).item<double>() / 3;
  const double of_users = all_SU.mean(0).var(/*unbiased=*/true).item<double>() / 4;
  const torch::Tensor rest_SU =
      all_SU - all_SU.mean(1, true) - all_SU.mean(0, true) + all_SU.mean();
  const double together = rest_SU.square().sum().item<double>() / (2 * 3) / (3 * 4);
  const host::Decision look = host::decide(
      {.margin = 0, .min_seeds = 3, .max_seeds = 3, .comparisons = 1, .level = 0.05}, seeds);
  EXPECT_NEAR(look.mean, all_SU.mean().item<double>(), 1e-12);
  EXPECT_NEAR(look.interval.high - look.mean,
              4.302652729749464 * std::sqrt(of_seeds + of_users - together), 1e-9);
  EXPECT_NEAR(look.interval.low + look.interval.high, 2 * look.mean, 1e-12);
  EXPECT_THROW(host::decide({}, {seeds[0]}), Error);
}

// Nothing is there, in three cells: with noise of seeds alone, of users alone, and of both.
TEST(Sequential, ANullIsFalselyRejectedAtMostAtTheLevel) {
  const SequentialRule rule{.margin = 0, .min_seeds = 3, .max_seeds = 8, .comparisons = 3};
  constexpr int kFamilies = 400;
  const double most = 0.05 + 2.5 * std::sqrt(0.05 * 0.95 / kFamilies);  // of Monte Carlo
  for (const auto& [of_seed, of_user] : {std::pair(0.2, 0.0), {0.0, 0.5}, {0.1, 0.3}}) {
    const double rejected =
        share_with(host::Outcome::differs, rule, 0, of_seed, of_user, kFamilies,
                   [&](const auto& seeds) { return host::decide(rule, seeds).outcome; });
    EXPECT_LE(rejected, most) << of_seed << " of seeds, " << of_user << " of users";
  }
  // What the rule is for: 95 % at every look, as if it were the only one, rejects far more often.
  const double naive =
      share_with(host::Outcome::differs, rule, 0, 0.2, 0, kFamilies, [&](const auto& seeds) {
        const host::Difference each = host::difference_over_seeds(seeds);
        return each.p <= 0.05 ? host::Outcome::differs : host::Outcome::open;
      });
  EXPECT_GT(naive, 2 * 0.05);
}

TEST(Sequential, AnEffectIsFoundAndNoneIsNone) {
  SequentialRule rule{.margin = 0, .min_seeds = 3, .max_seeds = 8, .comparisons = 1};
  const auto look = [&](const auto& seeds) { return host::decide(rule, seeds).outcome; };
  EXPECT_GT(share_with(host::Outcome::differs, rule, 0.5, 0.1, 0.2, 100, look), 0.9);
  rule.margin = 0.5;
  EXPECT_GT(share_with(host::Outcome::within_margin, rule, 0, 0.1, 0.2, 100, look), 0.9);
  // At the margin itself equivalence is claimed as rarely as a difference at 0.
  EXPECT_LT(share_with(host::Outcome::within_margin, rule, 0.5, 0.1, 0.2, 100, look), 0.1);
}

}  // namespace
}  // namespace tsrec::test
