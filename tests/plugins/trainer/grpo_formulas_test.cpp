// Losses, advantages and divergences of grpo against their formulas, in float64 on fresh random
// numbers.
#include "../../../plugins/trainer/grpo/advantages.hpp"
#include "../../../plugins/trainer/grpo/divergences.hpp"
#include "../../../plugins/trainer/grpo/losses.hpp"
#include "support/support.hpp"

namespace tsrec::test {
namespace {

double at(const torch::Tensor& x, int64_t i) { return x[i].item<double>(); }
double at(const torch::Tensor& x, int64_t i, int64_t j) { return x[i][j].item<double>(); }

// Completions of uneven lengths whose ratios lie on both sides of the clipping bounds.
struct RandomCompletions {
  std::vector<int64_t> length_C;
  grpo::Completions completions;
  torch::Tensor count_C;  // how much each completion counts

  explicit RandomCompletions(uint64_t seed) {
    at::Generator generator = torch::make_generator<torch::CPUGeneratorImpl>(seed);
    const auto random = [&](int64_t count) {
      return torch::randn({count}, generator, torch::kFloat64);
    };
    std::vector<int64_t> rows;
    for (int64_t c = 0; c < 12; ++c) {
      length_C.push_back(1 + (c * 7 + static_cast<int64_t>(seed)) % 5);
      rows.insert(rows.end(), static_cast<size_t>(length_C.back()), c);
    }
    const auto R = static_cast<int64_t>(rows.size());
    completions.row_R = torch::tensor(rows, torch::kInt64);
    completions.policy_R = (-1 + 0.4 * random(R)).requires_grad_(true);
    completions.old_R = completions.policy_R.detach() + 0.3 * random(R);
    completions.divergence_R = completions.policy_R.square();  // any function of it
    completions.advantage_C = random(12);
    count_C = random(12).exp();
    count_C /= count_C.mean();
  }
};

// The loss of the table in losses.hpp, token by token. prompts: the whole step has two such lists
// of completions, of which this is one.
torch::Tensor plain_loss(const RandomCompletions& given, const std::string& kind, double low,
                         double high, double kl, const grpo::BatchSize& batch) {
  const grpo::Completions& all = given.completions;
  torch::Tensor loss = torch::zeros({}, torch::kFloat64);
  int64_t r = 0;
  for (int64_t c = 0; c < 12; ++c) {
    const int64_t T = given.length_C[static_cast<size_t>(c)];
    torch::Tensor change = torch::zeros({}, torch::kFloat64);
    for (int64_t t = 0; t < T; ++t) change = change + all.policy_R[r + t] - all.old_R[r + t];
    const torch::Tensor s = (change / T).exp();
    const double A = at(all.advantage_C, c);
    for (int64_t t = 0; t < T; ++t, ++r) {
      torch::Tensor rho = (all.policy_R[r] - all.old_R[r]).exp();
      if (kind == "gspo") rho = s;
      torch::Tensor surrogate = rho * A;
      if (kind != "grpo") {
        const double value = rho.item<double>();
        const bool is_above = value > 1 + high, is_below = value < 1 - low;
        if (A > 0 && is_above) surrogate = torch::full({}, (1 + high) * A, torch::kFloat64);
        if (A < 0 && is_below) surrogate = torch::full({}, (1 - low) * A, torch::kFloat64);
      }
      double weight = at(given.count_C, c) / static_cast<double>(T) / batch.completions;
      if (kind == "dapo") weight = at(given.count_C, c) / batch.tokens;
      if (kind == "dr_grpo") weight = at(given.count_C, c) / (batch.completions * batch.longest);
      loss = loss - weight * (surrogate - kl * all.divergence_R[r]);
    }
  }
  return loss;
}

TEST(GrpoFormulas, LossesAndTheirGradients) {
  for (const std::string kind : {"grpo", "grpo_clip", "dapo", "gspo", "dr_grpo"}) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
      RandomCompletions given(seed);
      const grpo::BatchSize batch{.completions = 24, .tokens = 77, .longest = 6};
      const torch::Tensor length_C = torch::tensor(given.length_C, torch::kInt64);
      given.completions.weight_C = grpo::token_weights(given.count_C, length_C, batch, kind);
      const grpo::LossOptions options{
          .kind = kind, .epsilon_low = 0.15, .epsilon_high = 0.25, .kl = 0.7};
      const grpo::Loss loss = grpo::loss_of(given.completions, options);
      const torch::Tensor plain = plain_loss(given, kind, 0.15, 0.25, 0.7, batch);
      EXPECT_NEAR(loss.value.item<double>(), plain.item<double>(), 1e-13) << kind;
      const torch::Tensor& p = given.completions.policy_R;
      const torch::Tensor got = torch::autograd::grad({loss.value}, {p}, {}, true)[0];
      const torch::Tensor wanted = torch::autograd::grad({plain}, {p})[0];
      EXPECT_LT((got - wanted).abs().max().item<double>(), 1e-13) << kind << " seed " << seed;
      EXPECT_EQ(loss.clipped.defined(), kind != "grpo");
      if (!loss.clipped.defined()) continue;
      // A token that is clipped has the gradient of its divergence alone.
      const torch::Tensor weight_R =
          given.completions.weight_C.index_select(0, given.completions.row_R);
      const torch::Tensor of_divergence = 0.7 * 2 * p.detach() * weight_R;
      const double still =
          ((got - of_divergence).abs() < 1e-14).to(torch::kFloat64).mean().item<double>();
      EXPECT_NEAR(loss.clipped.item<double>(), still, 1e-6) << kind;
      EXPECT_GT(still, 0) << kind;
    }
  }
}

// At ratio 1 nothing is clipped, and the value is kl times the mean divergence, whatever is learnt:
// the advantages of a group sum to 0.
TEST(GrpoFormulas, AtRatioOneClippingIsNoMatter) {
  RandomCompletions given(9);
  grpo::Completions& completions = given.completions;
  completions.old_R = completions.policy_R.detach();
  completions.advantage_C = completions.advantage_C - completions.advantage_C.mean();
  completions.weight_C =
      torch::ones({12}, torch::kFloat64) / torch::tensor(given.length_C, torch::kInt64) / 12;
  std::vector<torch::Tensor> gradients;
  for (const std::string kind : {"grpo", "grpo_clip"}) {
    const grpo::Loss loss = grpo::loss_of(completions, {.kind = kind, .kl = 0.3});
    double divergence = 0;
    for (int64_t r = 0; r < completions.row_R.size(0); ++r) {
      divergence += at(completions.divergence_R, r) *
                    at(completions.weight_C, completions.row_R[r].item<int64_t>());
    }
    EXPECT_NEAR(loss.value.item<double>(), 0.3 * divergence, 1e-14);
    gradients.push_back(torch::autograd::grad({loss.value}, {completions.policy_R}, {}, true)[0]);
  }
  EXPECT_LT((gradients[0] - gradients[1]).abs().max().item<double>(), 1e-15);
}

TEST(GrpoFormulas, Advantages) {
  at::Generator generator = torch::make_generator<torch::CPUGeneratorImpl>(uint64_t{5});
  const int64_t B = 4, G = 6;
  const torch::Tensor reward_BG = torch::randn({B, G}, generator, torch::kFloat64);
  torch::Tensor weight_BG = torch::randn({B, G}, generator, torch::kFloat64).exp();
  weight_BG = weight_BG / weight_BG.mean(1, true);
  for (const bool weighed : {false, true}) {
    grpo::BatchDeviation deviation;
    const torch::Tensor weight = weighed ? weight_BG : torch::Tensor();
    deviation.add(reward_BG.slice(0, 0, 1), weighed ? weight.slice(0, 0, 1) : weight);
    deviation.add(reward_BG.slice(0, 1, B), weighed ? weight.slice(0, 1, B) : weight);
    const auto share = [&](int64_t b, int64_t g) { return weighed ? at(weight_BG, b, g) : 1.0; };

    double all = 0, squares = 0;
    for (int64_t b = 0; b < B; ++b) {
      for (int64_t g = 0; g < G; ++g) all += share(b, g) * at(reward_BG, b, g) / (B * G);
    }
    for (int64_t b = 0; b < B; ++b) {
      for (int64_t g = 0; g < G; ++g)
        squares += share(b, g) * std::pow(at(reward_BG, b, g) - all, 2);
    }
    EXPECT_NEAR(deviation.value(), std::sqrt(squares / (B * G - 1)), 1e-12);

    for (int64_t b = 0; b < B; ++b) {
      double mean = 0, square = 0;
      for (int64_t g = 0; g < G; ++g) mean += share(b, g) * at(reward_BG, b, g) / G;
      for (int64_t g = 0; g < G; ++g)
        square += share(b, g) * std::pow(at(reward_BG, b, g) - mean, 2);
      const double own = std::sqrt(square / (weighed ? G : G - 1));
      for (const auto& [kind, scale] : {std::pair<std::string, double>{"mean_only", 1.0},
                                        {"group_std", own + 1e-4},
                                        {"batch_std", deviation.value() + 1e-4}}) {
        const torch::Tensor got_BG = grpo::advantages(reward_BG, weight, kind, deviation.value());
        for (int64_t g = 0; g < G; ++g) {
          EXPECT_NEAR(at(got_BG, b, g), (at(reward_BG, b, g) - mean) / scale, 1e-12)
              << kind << " weighed " << weighed;
        }
      }
    }
  }
}

// One hit at rank k of 16: MiniOneRec's rewards and what they come to.
TEST(GrpoFormulas, AdvantagesOfOneHit) {
  torch::Tensor hit = torch::zeros({1, 16}, torch::kFloat64);
  hit[0][0] = 1;
  torch::Tensor A = grpo::advantages(hit, {}, "group_std", 0);
  EXPECT_NEAR(at(A, 0, 0), 3.749, 1e-3);
  EXPECT_NEAR(at(A, 0, 1), -0.250, 1e-3);
  torch::Tensor ranking = -1 / torch::log2(torch::arange(2, 18, torch::kFloat64));
  ranking = (ranking / ranking.sum().abs()).unsqueeze(0);
  ranking[0][4] = 1;
  A = grpo::advantages(ranking, {}, "group_std", 0);
  EXPECT_NEAR(at(A, 0, 4), 3.722, 1e-3);
  EXPECT_NEAR(at(A, 0, 0), -0.627, 1e-3);
  EXPECT_NEAR(at(A, 0, 15), -0.165, 1e-3);
}

TEST(GrpoFormulas, Divergences) {
  at::Generator generator = torch::make_generator<torch::CPUGeneratorImpl>(uint64_t{6});
  const torch::Tensor p = torch::randn({20}, generator, torch::kFloat64).requires_grad_(true);
  const torch::Tensor o = torch::randn({20}, generator, torch::kFloat64);
  const torch::Tensor q = torch::randn({20}, generator, torch::kFloat64);
  const torch::Tensor first = grpo::k1(p, o, q), third = grpo::k3(p, q);
  const torch::Tensor of_first = torch::autograd::grad({first.sum()}, {p}, {}, true)[0];
  const torch::Tensor of_third = torch::autograd::grad({third.sum()}, {p}, {}, true)[0];
  for (int64_t i = 0; i < 20; ++i) {
    const double ratio = std::exp(at(p, i) - at(o, i)), difference = at(p, i) - at(q, i);
    EXPECT_NEAR(at(first, i), ratio * difference, 1e-12);
    EXPECT_NEAR(at(of_first, i), ratio * difference, 1e-12);
    EXPECT_NEAR(at(third, i), std::exp(-difference) + difference - 1, 1e-12);
    EXPECT_NEAR(at(of_third, i), 1 - std::exp(-difference), 1e-12);
    EXPECT_GE(at(third, i), 0);
  }
  const torch::Tensor two = torch::tensor({std::log(2.0), -std::log(2.0)}, torch::kFloat64);
  const torch::Tensor known = grpo::k3(torch::zeros({2}, torch::kFloat64), two);
  EXPECT_NEAR(at(known, 0), 0.3069, 1e-4);
  EXPECT_NEAR(at(known, 1), 0.1931, 1e-4);
}

grpo::Member member(int64_t leaf, float log_prob) {
  return {leaf, leaf, log_prob, {static_cast<int32_t>(leaf)}};
}

std::vector<int64_t> leaves_of(const grpo::Members& members) {
  std::vector<int64_t> leaves;
  for (const grpo::Member& one : members) leaves.push_back(one.leaf);
  return leaves;
}

TEST(GrpoGroups, TheMostVariedOfTheDraws) {
  // Drawn: 7 twice, 3 four times, 5 three times, 1 once; most likely first.
  grpo::Members drawn;
  for (const int64_t leaf : {3, 3, 3, 3, 5, 5, 5, 7, 7, 1})
    drawn.push_back(member(leaf, -0.1F * static_cast<float>(leaf == 3   ? 1
                                                            : leaf == 5 ? 2
                                                            : leaf == 7 ? 3
                                                                        : 4)));
  using Leaves = std::vector<int64_t>;
  // The target as often as it was drawn, every other once, then again the most frequent first.
  EXPECT_EQ(leaves_of(grpo::most_varied(drawn, /*target_leaf=*/7, 6)), (Leaves{3, 3, 5, 7, 7, 1}));
  EXPECT_EQ(leaves_of(grpo::most_varied(drawn, 7, 4)), (Leaves{3, 5, 7, 7}));
  EXPECT_EQ(leaves_of(grpo::most_varied(drawn, 3, 3)), (Leaves{3, 3, 3}));
  EXPECT_EQ(leaves_of(grpo::most_varied(drawn, 99, 7)), (Leaves{3, 3, 5, 5, 7, 7, 1}));
  EXPECT_EQ(leaves_of(grpo::most_varied(drawn, 99, 10)), leaves_of(drawn));
}

TEST(GrpoGroups, TheTargetReplacesTheLastWhereItIsMissing) {
  grpo::Members members = {member(4, -1), member(2, -2), member(9, -3)};
  grpo::add_target(members, member(2, -2));
  EXPECT_EQ(leaves_of(members), (std::vector<int64_t>{4, 2, 9}));
  grpo::add_target(members, member(6, -1.5));
  EXPECT_EQ(leaves_of(members), (std::vector<int64_t>{4, 6, 2}));
}

TEST(GrpoGroups, BeamsWithTheirProbabilitiesAndDrawsForTheRest) {
  const auto log = [](double p) { return static_cast<float>(std::log(p)); };
  const grpo::Members beams = {member(1, log(0.5)), member(2, log(0.2))};
  const grpo::WeighedMembers mixed =
      grpo::stratified(beams, {member(1, log(0.5)), member(8, log(0.1)), member(9, log(0.05))});
  EXPECT_EQ(leaves_of(mixed.members), (std::vector<int64_t>{1, 1, 2, 8, 9}));
  const std::vector<double> wanted = {0.5, 0, 0.2, 0.15, 0.15};
  for (size_t g = 0; g < 5; ++g) EXPECT_NEAR(mixed.weights[g], 5 * wanted[g], 1e-5);
  const grpo::WeighedMembers hidden = grpo::stratified(beams, {member(1, log(0.5))});
  for (const auto& [g, share] : {std::pair<size_t, double>{0, 5.0 / 7}, {1, 0}, {2, 2.0 / 7}})
    EXPECT_NEAR(hidden.weights[g], 3 * share, 1e-5);
}

}  // namespace
}  // namespace tsrec::test
