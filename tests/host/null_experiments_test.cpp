// Experiments in which there is nothing to find (A/A), and such with a known effect: how often each
// test says that it found something. TSREC_NULL_EXPERIMENTS=4000 makes that many of each, and
// prints the shares.
#include <iomanip>
#include <iostream>
#include <random>

#include "support/statistics.hpp"
#include "support/statistics/student_t.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

using torch::Tensor;

constexpr double kLevel = 0.05;

int64_t num_experiments() {
  const char* asked = std::getenv("TSREC_NULL_EXPERIMENTS");
  return asked != nullptr ? std::stoll(asked) : 400;
}

at::Generator& generator() {
  static at::Generator random = at::detail::createCPUGenerator(std::random_device{}());
  return random;
}
Tensor normal(std::vector<int64_t> shape) {
  return torch::randn(shape, generator(), torch::kFloat64);
}
Tensor coins(const Tensor& chance) {
  return (torch::rand(chance.sizes(), generator(), torch::kFloat64) < chance).to(torch::kFloat64);
}
uint64_t fresh_seed() {
  return static_cast<uint64_t>(torch::randint(1 << 30, {1}, generator()).item<int64_t>());
}

// The share of the experiments whose p is at most 5 %.
template <class P>
double found(const P& p_of_experiment) {
  int64_t count = 0;
  for (int64_t i = 0; i < num_experiments(); ++i) count += p_of_experiment() <= kLevel;
  return static_cast<double>(count) / static_cast<double>(num_experiments());
}

void say(const std::string& what, double share) {
  if (std::getenv("TSREC_NULL_EXPERIMENTS") != nullptr)
    std::cout << std::left << std::setw(64) << what << std::fixed << std::setprecision(4) << share
              << std::endl;
}

// Within what chance and, where the test is no exact one, `slack` allow: four standard deviations.
void expect_share(const std::string& what, double share, double wanted, double slack = 0) {
  say(what, share);
  const double chance =
      4 * std::sqrt(wanted * (1 - wanted) / static_cast<double>(num_experiments()));
  EXPECT_NEAR(share, wanted, chance + slack) << what;
}

// --- one seed: users with 3 rows each, who have something in common

struct Pair {
  Tensor a_S, b_S, user_S;
};

Pair alike(int64_t users, double effect = 0) {
  const Tensor of_user = normal({users, 1}) + effect;  // the difference that a user sees
  return {torch::zeros({users * 3}, torch::kFloat64), (of_user + normal({users, 3})).flatten(),
          torch::arange(users).repeat_interleave(3)};
}

// Hits of two models that find the same rows easy, and change sides on some.
Pair alike_hits(int64_t rows) {
  const Tensor easy_S = coins(torch::full({rows}, 0.25, torch::kFloat64)),
               changes = torch::full({rows}, 0.15, torch::kFloat64);
  const auto flipped = [&] { return (easy_S - coins(changes)).abs(); };
  return {flipped(), flipped(), torch::arange(rows)};
}

double bootstrap_p(const Pair& pair) {
  return host::paired_bootstrap(pair.a_S, pair.b_S, pair.user_S, 400, fresh_seed()).p;
}
double permutation_p(const Pair& pair) {
  return host::permutation_test(pair.a_S, pair.b_S, pair.user_S, 400, fresh_seed());
}

TEST(NullExperiments, TheBootstrapErrsAtItsLevelAndALittleMoreWithFewUsers) {
  expect_share("bootstrap, 200 users", found([] { return bootstrap_p(alike(200)); }), kLevel, 0.01);
  const double few = found([] { return bootstrap_p(alike(10)); });
  say("bootstrap, 10 users", few);
  // A percentile interval of ten users is as short as if their spread were known.
  EXPECT_GT(few, 0.04);
  EXPECT_LT(few, 0.16);
}

TEST(NullExperiments, ThePermutationTestErrsAtItsLevelWithAnyNumberOfUsers) {
  for (const int64_t users : {10, 200})
    expect_share(c10::str("permutation test, ", users, " users"),
                 found([&] { return permutation_p(alike(users)); }), kLevel, 0.003);
}

// An exact test of counts cannot err at any level that is asked for, only at less.
TEST(NullExperiments, McNemarErrsAtMostAtItsLevel) {
  const double share = found([] {
    const Pair pair = alike_hits(1000);
    return host::mcnemar(pair.a_S, pair.b_S);
  });
  say("McNemar, 1000 rows", share);
  EXPECT_LT(share,
            kLevel + 4 * std::sqrt(0.0475 * 0.9525 / static_cast<double>(num_experiments())));
  EXPECT_GT(share, 0.005);
}

TEST(NullExperiments, OfATrueDifferenceAtTheMarginEquivalenceIsClaimedAtTheLevel) {
  expect_share("equivalence, 60 users, a difference as large as the margin", found([] {
                 const Pair pair = alike(60, 0.3);
                 return host::equivalence(
                            host::paired_bootstrap(pair.a_S, pair.b_S, pair.user_S, 1, 1), 0.3)
                     .p;
               }),
               kLevel, 0.01);
}

// --- several seeds: the same users in each

// Differences of one row a user: what the seed makes of all users, what the user makes of all
// seeds, and the rest.
std::vector<host::SeedRows> alike_over_seeds(int64_t seeds, int64_t users, double of_seed,
                                             double of_user, double effect = 0) {
  const Tensor by_user_S = of_user * normal({users});
  std::vector<host::SeedRows> rows;
  for (int64_t s = 0; s < seeds; ++s) {
    const Tensor b_S = effect + of_seed * normal({1}) + by_user_S + normal({users});
    rows.push_back({b_S, torch::arange(users)});
  }
  return rows;
}

double hierarchical_p(const std::vector<host::SeedRows>& rows) {
  return host::difference_over_seeds(rows).p;
}

// What pooling all rows would say, with every seed's users as users of their own.
double pooled_p(const std::vector<host::SeedRows>& rows) {
  std::vector<Tensor> a, b, user;
  for (size_t s = 0; s < rows.size(); ++s) {
    a.push_back(torch::zeros_like(rows[s].difference_S));
    b.push_back(rows[s].difference_S);
    user.push_back(rows[s].user_S + static_cast<int64_t>(s) * 1000);
  }
  return bootstrap_p({torch::cat(a), torch::cat(b), torch::cat(user)});
}

struct Spread {
  const char* name;
  double of_seed, of_user;
};
constexpr std::array kSpreads = {Spread{"nothing in common", 0, 0}, Spread{"seeds differ", 0.3, 0},
                                 Spread{"users differ", 0, 1}, Spread{"both differ", 0.2, 1}};

TEST(NullExperiments, TheHierarchicalTestErrsAtItsLevelWithThreeSeedsAndWithTen) {
  for (const int64_t seeds : {3, 10}) {
    for (const Spread& spread : kSpreads) {
      const double share = found([&] {
        return hierarchical_p(alike_over_seeds(seeds, 60, spread.of_seed, spread.of_user));
      });
      const std::string what =
          c10::str("hierarchical test, ", seeds, " seeds, 60 users, ", spread.name);
      expect_share(what, share, kLevel, 0.02);
    }
  }
}

// How much two seeds differ is a number of one degree of freedom: now and then it is far too small,
// and then the users seem to decide.
TEST(NullExperiments, TheHierarchicalTestErrsALittleMoreOftenWithTwoSeeds) {
  for (const Spread& spread : kSpreads) {
    const double share = found(
        [&] { return hierarchical_p(alike_over_seeds(2, 60, spread.of_seed, spread.of_user)); });
    say(c10::str("hierarchical test, 2 seeds, 60 users, ", spread.name), share);
    EXPECT_GT(share, 0.01) << spread.name;
    EXPECT_LT(share, 0.15) << spread.name;
  }
}

TEST(NullExperiments, PoolingTheRowsOfSeedsWouldFindWhatIsNotThere) {
  const double share = found([] { return pooled_p(alike_over_seeds(3, 60, 0.3, 0)); });
  say("all rows of 3 seeds pooled, 60 users, seeds differ", share);
  EXPECT_GT(share, 0.25);
}

// --- a known effect

TEST(NullExperiments, PowerFollowsItsFormula) {
  constexpr int64_t kUsers = 80;
  const double error = std::sqrt((1 + 1.0 / 3) / kUsers);  // of alike(): user, and 3 rows each
  for (const double effect : {0.2, 0.36, 0.5}) {
    // P(|Z + effect / error| > 1.96); Student's t of many degrees is a normal distribution.
    const auto above = [](double z) { return host::student_tail(z, 1e6); };
    const double power = above(1.959964 - effect / error) + above(1.959964 + effect / error);
    expect_share(c10::str("bootstrap, 80 users, effect ", effect, ", formula ", power),
                 found([&] { return bootstrap_p(alike(kUsers, effect)); }), power, 0.02);
    expect_share(c10::str("permutation test, 80 users, effect ", effect, ", formula ", power),
                 found([&] { return permutation_p(alike(kUsers, effect)); }), power, 0.03);
  }
}

TEST(NullExperiments, WhatCouldBeShownIsFoundFourTimesInFive) {
  const double error = std::sqrt((1 + 1.0 / 3) / 80);
  const double effect = *host::detectable_difference(
      host::Difference{.mean = 0, .p = 1, .interval = {}, .standard_error = error, .degrees = 79});
  expect_share("bootstrap, 80 users, the detectable difference",
               found([&] { return bootstrap_p(alike(80, effect)); }), 0.8, 0.03);
}

}  // namespace
}  // namespace tsrec::test
