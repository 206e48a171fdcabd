// Every estimator of grpo against the exact gradient: a catalogue of 20 SIDs is small enough to
// list all that the policy can say. Learning rate 0, so that steps only estimate; seeds are fixed.
#include "plugins/trainer/toy_grpo.hpp"

namespace tsrec::test {
namespace {

// The policy over the catalogue behind one prompt, with its graph.
struct Policy {
  std::vector<torch::Tensor> log_prob_N;  // of whole SIDs
  std::vector<torch::Tensor> token_N;     // [2], of their tokens
  std::vector<double> prob_N;
  std::vector<double> reward_N;
};

struct Toy {
  ToyWorld world = ToyWorld(ToyWorld::grid(4, 5));
  ToyExamples examples = world.make_examples(/*with_text_task=*/false);
  std::shared_ptr<ToyReward> reward = std::make_shared<ToyReward>(world.sids);

  double num_prompts() const { return static_cast<double>(examples.rows().size()); }

  Policy policy(const nn::LanguageModel& model, const CompiledExample& row) const {
    Policy policy;
    for (int64_t item = 0; item < world.items.size(); ++item) {
      policy.token_N.push_back(legal_log_probs(world, model, row.prompt, item));
      policy.log_prob_N.push_back(policy.token_N.back().sum());
      policy.prob_N.push_back(std::exp(policy.log_prob_N.back().item<double>()));
      policy.reward_N.push_back(reward->of(row.target_item, item));
    }
    return policy;
  }

  // Of the mean over prompts of objective(policy), by enumeration. What a step minimises is the
  // negative, and each of a SID's two tokens has half of its weight.
  template <class Objective>
  torch::Tensor exact(const Objective& objective) {
    torch::Tensor loss = torch::zeros({});
    for (const CompiledExample& row : examples.rows())
      loss = loss - objective(policy(*world.backbone, row)) / (2.0 * num_prompts());
    return flattened(gradients(loss, *world.backbone), *world.backbone);
  }

  std::shared_ptr<Trainer> start(OptionTexts options, std::shared_ptr<Reward> rewarded) {
    options.insert({{"batch_prompts", "1000"},
                    {"epochs", "1000"},
                    {"clip", "0"},
                    {"learning_rate", "0"},
                    {"sync_every", "0"},
                    {"advantage", "mean_only"},
                    {"logprob", "legal"}});
    return start_grpo(world, *world.backbone, examples, std::move(rewarded), options);
  }
  std::shared_ptr<Trainer> start(OptionTexts options) {
    options["kl"] = "0";
    return start(std::move(options), reward);
  }
  torch::Tensor step(Trainer& trainer, int64_t index = 0) {
    trainer.step(index, world.context);
    return gradient_of_step(*world.backbone);
  }
  torch::Tensor one_step(OptionTexts options) { return step(*start(std::move(options))); }
};

torch::Tensor expected_reward(const Policy& policy) {
  torch::Tensor value = torch::zeros({});
  for (size_t n = 0; n < policy.prob_N.size(); ++n)
    value = value + policy.log_prob_N[n].exp() * policy.reward_N[n];
  return value;
}

// SIDs by falling probability.
std::vector<size_t> ranked(const Policy& policy) {
  std::vector<size_t> order(policy.prob_N.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return policy.prob_N[a] > policy.prob_N[b]; });
  return order;
}

struct Estimate {
  torch::Tensor mean;
  double noise = 0;  // expected squared distance of the mean from the truth
};
Estimate estimated(Toy& toy, Trainer& trainer, int64_t steps) {
  torch::Tensor sum, square;
  for (int64_t i = 0; i < steps; ++i) {
    const torch::Tensor gradient = toy.step(trainer, i);
    sum = i == 0 ? gradient.clone() : sum + gradient;
    square = i == 0 ? gradient.square() : square + gradient.square();
  }
  const auto count = static_cast<double>(steps);
  const torch::Tensor mean = sum / count;
  const torch::Tensor variance = (square / count - mean.square()) * count / (count - 1);
  return {mean, variance.sum().item<double>() / count};
}

// Within the Monte-Carlo error, which is small beside what is estimated.
void expect_unbiased(const Estimate& estimate, const torch::Tensor& truth,
                     const std::string& what) {
  const double distance = (estimate.mean - truth).square().sum().item<double>();
  EXPECT_LT(distance, 2.5 * estimate.noise) << what;
  EXPECT_LT(estimate.noise, 0.02 * truth.square().sum().item<double>()) << what;
}

TEST(GrpoEstimators, AllSidsWeighedByTheirProbabilitiesGiveThePolicyGradient) {
  Toy toy;
  const torch::Tensor truth = toy.exact(expected_reward);
  for (const std::string loss : {"grpo", "grpo_clip", "dapo", "gspo", "dr_grpo"}) {
    EXPECT_LT(relative_distance(toy.one_step({{"rollout", "exact"}, {"loss", loss}}), truth), 1e-4)
        << loss;
  }
  EXPECT_LT(relative_distance(toy.one_step({{"rollout", "exact"}, {"micro_prompts", "4"}}), truth),
            1e-4);
  // With the beams being all SIDs there is no difference.
  EXPECT_LT(relative_distance(
                toy.one_step({{"rollout", "beam_renormalised"}, {"completions", "20"}}), truth),
            1e-4);
}

// (1 - 1/G) of the gradient: each completion is part of the mean that it is compared with.
TEST(GrpoEstimators, DrawsAreUnbiased) {
  Toy toy;
  const torch::Tensor truth = toy.exact(expected_reward);
  const auto trainer = toy.start({{"rollout", "sample"}, {"completions", "4"}});
  const Estimate estimate = estimated(toy, *trainer, 400);
  expect_unbiased(estimate, 0.75 * truth, "sample");
  // And the test could tell: without that factor it is far off.
  EXPECT_GT((estimate.mean - truth).square().sum().item<double>(), 2.5 * estimate.noise);
}

// The gradient of the expected reward among the beams, and of nothing else.
TEST(GrpoEstimators, RenormalisedBeamsGiveTheGradientAmongThem) {
  Toy toy;
  constexpr size_t kBeams = 6;
  const torch::Tensor truth = toy.exact([&](const Policy& policy) {
    torch::Tensor value = torch::zeros({}), mass = torch::zeros({});
    const std::vector<size_t> order = ranked(policy);
    for (size_t g = 0; g < kBeams; ++g) {
      const torch::Tensor prob = policy.log_prob_N[order[g]].exp();
      value = value + prob * policy.reward_N[order[g]];
      mass = mass + prob;
    }
    return value / mass;
  });
  EXPECT_LT(relative_distance(
                toy.one_step({{"rollout", "beam_renormalised"}, {"completions", "6"}}), truth),
            1e-4);
}

// Beams stand for themselves, k draws that are no beams for all else. With m the probability of all
// else and the mean as baseline the expectation is the exact gradient less m^2 / k times the
// covariance of reward and score there; where no draw is among them (k = 0), it is the gradient
// among the beams.
TEST(GrpoEstimators, MixturesAreUnbiased) {
  Toy toy;
  constexpr size_t kBeams = 4;
  constexpr int64_t kDraws = 4;
  const torch::Tensor exact = toy.exact(expected_reward);
  const torch::Tensor truth = toy.exact([&](const Policy& policy) {
    const std::vector<size_t> order = ranked(policy);
    double mass = 0;
    for (size_t g = 0; g < kBeams; ++g) mass += policy.prob_N[order[g]];
    const double rest = 1 - mass;
    // E over the rest of reward, score and their product; the gradient of a log-probability is its
    // score.
    double mean_reward = 0;
    torch::Tensor score = torch::zeros({}), product = torch::zeros({}), among = torch::zeros({}),
                  weight = torch::zeros({});
    for (size_t g = 0; g < order.size(); ++g) {
      const size_t n = order[g];
      if (g < kBeams) {
        among = among + policy.log_prob_N[n].exp() * policy.reward_N[n];
        weight = weight + policy.log_prob_N[n].exp();
        continue;
      }
      const double share = policy.prob_N[n] / rest;
      mean_reward += share * policy.reward_N[n];
      score = score + share * policy.log_prob_N[n];
      product = product + share * policy.reward_N[n] * policy.log_prob_N[n];
    }
    const double none = std::pow(mass, kDraws);
    double inverse = 0;  // E[1/k; k > 0], k binomial
    for (int64_t k = 1; k <= kDraws; ++k) {
      const double ways =
          std::tgamma(kDraws + 1) / std::tgamma(k + 1) / std::tgamma(kDraws - k + 1);
      inverse += ways * std::pow(rest, k) * std::pow(mass, kDraws - k) / static_cast<double>(k);
    }
    return (1 - none) * expected_reward(policy) -
           rest * rest * inverse * (product - mean_reward * score) + none * among / weight;
  });
  const auto trainer = toy.start({{"rollout", "mixture"}, {"completions", "8"}});
  const Estimate estimate = estimated(toy, *trainer, 400);
  expect_unbiased(estimate, truth, "mixture");
  // Nearer to the exact gradient than beams taken for draws, and less noisy than as many draws.
  EXPECT_GT(cosine(truth, exact), 0.95);
  const auto draws = toy.start({{"rollout", "sample"}, {"completions", "8"}});
  EXPECT_LT(estimate.noise, estimated(toy, *draws, 400).noise);
}

// Beams that count as if they were draws, as MiniOneRec takes them: the direction is another one.
TEST(GrpoEstimators, BeamsAsDrawsAreBiased) {
  Toy toy;
  const torch::Tensor exact = toy.exact(expected_reward);
  const auto cosine_of = [&](const std::string& rollout, const std::string& completions) {
    return cosine(toy.one_step({{"rollout", rollout}, {"completions", completions}}), exact);
  };
  for (const std::string completions : {"4", "8", "16", "20"}) {
    const double as_draws = cosine_of("beam", completions);
    const double renormalised = cosine_of("beam_renormalised", completions);
    RecordProperty("cosine_beam_" + completions, std::to_string(as_draws));
    RecordProperty("cosine_renormalised_" + completions, std::to_string(renormalised));
    std::cout << "G = " << completions << ": cosine to the exact gradient " << as_draws
              << " (beam), " << renormalised << " (beam_renormalised)\n";
  }
  // More beams do not help: with all 20 SIDs the others are exact, and this one is not.
  EXPECT_LT(cosine_of("beam", "20"), 0.98);
  EXPECT_GT(cosine_of("beam_renormalised", "20"), 0.99999);
}

// The policy away from its reference, which is the model of the start.
struct Moved {
  Toy toy;
  std::shared_ptr<Backbone> reference = toy.world.make_backbone();
  std::shared_ptr<Trainer> trainer;

  explicit Moved(OptionTexts options) {
    options["kl"] = "1";
    trainer = toy.start(std::move(options), std::make_shared<FlatReward>());
    const torch::NoGradGuard no_grad;
    int64_t index = 100;
    for (const nn::Parameter& parameter : toy.world.backbone->parameters()) {
      parameter.value.add_(0.1 * torch::randn(parameter.value.sizes(),
                                              toy.world.context.generator("weights", index++)));
    }
  }

  // Of the divergence of every token's distribution, with the probability of the tokens before it
  // as it is: what a KL term at each token can see. forward: KL(reference || policy).
  torch::Tensor exact(bool forward) {
    torch::Tensor loss = torch::zeros({});
    const ToyWorld& world = toy.world;
    for (const CompiledExample& row : toy.examples.rows()) {
      const Policy policy = toy.policy(*world.backbone, row);
      Policy fixed;
      {
        const torch::NoGradGuard no_grad;
        fixed = toy.policy(*reference, row);
      }
      for (int64_t n = 0; n < world.items.size(); ++n) {
        for (int64_t t = 0; t < 2; ++t) {
          torch::Tensor divergence = torch::zeros({});
          std::set<int64_t> seen;
          for (int64_t m = 0; m < world.items.size(); ++m) {
            const auto code = [&](int64_t item, int64_t level) {
              return world.sids.code_NL[item][level].item<int64_t>();
            };
            if ((t == 1 && code(m, 0) != code(n, 0)) || !seen.insert(code(m, t)).second) continue;
            const torch::Tensor p = policy.token_N[static_cast<size_t>(m)][t];
            const torch::Tensor q = fixed.token_N[static_cast<size_t>(m)][t];
            divergence = divergence + (forward ? q.exp() * (q - p) : p.exp() * (p - q));
          }
          loss =
              loss + policy.prob_N[static_cast<size_t>(n)] * divergence / (2.0 * toy.num_prompts());
        }
      }
    }
    return flattened(gradients(loss, *world.backbone), *world.backbone);
  }
};

TEST(GrpoEstimators, GradientsOfTheDivergences) {
  torch::Tensor reverse, forward;
  for (const std::string estimator : {"exact", "k1", "k3"}) {
    Moved moved({{"rollout", "exact"}, {"kl_estimator", estimator}});
    if (!reverse.defined()) {
      reverse = moved.exact(/*forward=*/false);
      forward = moved.exact(/*forward=*/true);
    }
    const torch::Tensor got = moved.toy.step(*moved.trainer);
    const bool is_forward = estimator == "k3";
    EXPECT_LT(relative_distance(got, is_forward ? forward : reverse), 1e-3) << estimator;
    EXPECT_GT(relative_distance(got, is_forward ? reverse : forward), 1e-2) << estimator;
  }
  // The exact divergence is that of the trie, whatever log-probabilities the rewards act on.
  Moved full({{"rollout", "exact"}, {"kl_estimator", "exact"}, {"logprob", "full"}});
  EXPECT_LT(relative_distance(full.toy.step(*full.trainer), reverse), 1e-3);
}

TEST(GrpoEstimators, DivergencesOfDrawsAreUnbiased) {
  for (const std::string estimator : {"exact", "k1", "k3"}) {
    Moved moved({{"rollout", "sample"}, {"completions", "8"}, {"kl_estimator", estimator}});
    const torch::Tensor truth = moved.exact(/*forward=*/estimator == "k3");
    expect_unbiased(estimated(moved.toy, *moved.trainer, 300), truth, estimator);
  }
}

}  // namespace
}  // namespace tsrec::test
