#include "plugins/trainer/toy_grpo.hpp"

namespace tsrec::test {
namespace {

// The GRPO objective of arXiv 2402.03300 at ratio 1 over the G best completions, by listing them
// all.
torch::Tensor plain_loss(const ToyWorld& world, const nn::LanguageModel& model,
                         const nn::LanguageModel& reference,
                         const std::vector<CompiledExample>& rows, const ToyReward& reward,
                         int64_t G, double kl) {
  torch::Tensor loss = torch::zeros({});
  for (const CompiledExample& row : rows) {
    const auto best = all_completions(world, model, row.prompt);
    double mean = 0, square = 0;
    std::vector<double> rewards;
    for (int64_t g = 0; g < G; ++g) {
      rewards.push_back(reward.of(row.target_item, best[static_cast<size_t>(g)].second));
      mean += rewards.back() / static_cast<double>(G);
    }
    for (const double value : rewards) square += (value - mean) * (value - mean);
    const double deviation = std::sqrt(square / static_cast<double>(G - 1));
    for (int64_t g = 0; g < G; ++g) {
      const auto sid = world.vocabulary.ids(world.sids, best[static_cast<size_t>(g)].second);
      const torch::Tensor policy = row_log_probs(model, row.prompt, sid);
      const torch::Tensor fixed = row_log_probs(reference, row.prompt, sid).detach();
      const double advantage = (rewards[static_cast<size_t>(g)] - mean) / (deviation + 1e-4);
      const torch::Tensor divergence = (fixed - policy).exp() - (fixed - policy) - 1;
      loss = loss +
             (-advantage * policy + kl * divergence).mean() / static_cast<double>(G * rows.size());
    }
  }
  return loss;
}

TEST(Grpo, GradientOfAStepIsThatOfTheObjectiveByEnumeration) {
  for (const std::string micro : {"64", "4"}) {
    ToyWorld world;
    const ToyExamples examples = world.make_examples(/*with_text_task=*/false);
    const auto reward = std::make_shared<ToyReward>(world.sids);
    const auto trainer = start_grpo(world, *world.backbone, examples, reward,
                                    {{"batch_prompts", "1000"},
                                     {"micro_prompts", micro},
                                     {"completions", "7"},
                                     {"clip", "0"},
                                     {"kl", "0.5"},
                                     {"learning_rate", "0.003"},
                                     {"epochs", "3"}});
    trainer->step(
        0, world.context);  // moves the policy away from its reference, so that the KL term counts
    auto reference = world.make_backbone();
    const auto expected =
        gradients(plain_loss(world, *world.backbone, *reference, examples.rows(), *reward, 7, 0.5),
                  *world.backbone);
    trainer->step(1, world.context);
    EXPECT_LT(gradient_difference(*world.backbone, expected), 2e-5) << "micro_prompts " << micro;
  }
}

// Clipped, over the beams of the policy that made the rollout, at the policy that one update moved.
torch::Tensor clipped_loss(const ToyWorld& world, const nn::LanguageModel& model,
                           const nn::LanguageModel& old, const std::vector<CompiledExample>& rows,
                           const ToyReward& reward, int64_t G, double low, double high) {
  torch::Tensor loss = torch::zeros({});
  for (const CompiledExample& row : rows) {
    const auto best = all_completions(world, old, row.prompt);
    double mean = 0;
    for (int64_t g = 0; g < G; ++g)
      mean +=
          reward.of(row.target_item, best[static_cast<size_t>(g)].second) / static_cast<double>(G);
    for (int64_t g = 0; g < G; ++g) {
      const int64_t item = best[static_cast<size_t>(g)].second;
      const auto sid = world.vocabulary.ids(world.sids, item);
      const torch::Tensor before = row_log_probs(old, row.prompt, sid).detach();
      const torch::Tensor ratio = (row_log_probs(model, row.prompt, sid) - before).exp();
      const double advantage = reward.of(row.target_item, item) - mean;
      const torch::Tensor surrogate =
          torch::min(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage);
      loss = loss - surrogate.mean() / static_cast<double>(G * rows.size());
    }
  }
  return loss;
}

TEST(Grpo, ASecondUpdateComparesWithThePolicyOfTheRollout) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples(false);
  const auto reward = std::make_shared<ToyReward>(world.sids);
  const auto options = [](const std::string& reuse) -> OptionTexts {
    return {{"batch_prompts", "1000"},
            {"completions", "7"},
            {"clip", "0"},
            {"kl", "0"},
            {"learning_rate", "0.002"},
            {"schedule", "constant"},
            {"loss", "grpo_clip"},
            {"epsilon_low", "0.01"},
            {"epsilon_high", "0.02"},
            {"reuse", reuse},
            {"advantage", "mean_only"}};
  };
  const auto once = world.make_backbone(), twice = world.make_backbone(),
             old = world.make_backbone();
  start_grpo(world, *once, examples, reward, options("1"))->step(0, world.context);
  EXPECT_EQ(world.context.numbers["train.clipped"].back(), 0);
  const auto expected =
      gradients(clipped_loss(world, *once, *old, examples.rows(), *reward, 7, 0.01, 0.02), *once);
  const auto trainer = start_grpo(world, *twice, examples, reward, options("2"));
  trainer->step(0, world.context);
  EXPECT_LT(gradient_difference(*twice, expected), 5e-5);
  const double clipped = world.context.numbers["train.clipped"].back();
  EXPECT_GT(clipped, 0.05);  // so that the bounds were tried
  EXPECT_LT(clipped, 0.95);
}

TEST(Grpo, ALossWithoutBoundsAllowsOneUpdate) {
  ToyWorld world;
  EXPECT_NE(message_of<ConfigError>([&] {
              built_part("trainer", "grpo", {{"reuse", "2"}})
                  .with("reward", {})
                  .make_as<Trainer>(world.context);
            }).find("set reuse = 1, or loss = \"grpo_clip\""),
            std::string::npos);
}

// A SID of one token among those of two.
SidTable uneven_sids() {
  SidTable table = ToyWorld::grid(3, 4);
  table.sizes = {4, 4};
  table.code_NL[11][0] = 3;
  table.code_NL[11][1] = -1;
  return table;
}

// All completions of all prompts with the reward's group mean as baseline, and the step's standard
// deviation or 1 below; one weight for every token of a completion, as weight(its length) says.
torch::Tensor token_loss(const ToyWorld& world, const std::vector<CompiledExample>& rows,
                         const ToyReward& reward, double deviation,
                         const std::function<double(size_t)>& weight) {
  torch::Tensor loss = torch::zeros({});
  for (const CompiledExample& row : rows) {
    double mean = 0;
    for (int64_t item = 0; item < world.items.size(); ++item)
      mean += reward.of(row.target_item, item) / static_cast<double>(world.items.size());
    for (int64_t item = 0; item < world.items.size(); ++item) {
      const auto sid = world.vocabulary.ids(world.sids, item);
      const double advantage = (reward.of(row.target_item, item) - mean) / deviation;
      loss = loss -
             weight(sid.size()) * advantage * row_log_probs(*world.backbone, row.prompt, sid).sum();
    }
  }
  return loss;
}

TEST(Grpo, LengthsAndTheStepsDeviationCountAsTheLossSays) {
  for (const std::string micro : {"64", "4"}) {
    ToyWorld world(uneven_sids());
    const ToyExamples examples = world.make_examples(false);
    const auto reward = std::make_shared<ToyReward>(world.sids);
    const auto B = static_cast<double>(examples.rows().size());
    double all = 0, squares = 0, tokens = 0;
    for (const CompiledExample& row : examples.rows()) {
      for (int64_t item = 0; item < 12; ++item) {
        all += reward->of(row.target_item, item) / (12 * B);
        tokens += static_cast<double>(world.vocabulary.ids(world.sids, item).size());
      }
    }
    for (const CompiledExample& row : examples.rows()) {
      for (int64_t item = 0; item < 12; ++item)
        squares += std::pow(reward->of(row.target_item, item) - all, 2);
    }
    const double deviation = std::sqrt(squares / (12 * B - 1)) + 1e-4;
    EXPECT_LT(tokens, 24 * B);
    struct Case {
      std::string loss, advantage;
      double deviation;
      std::function<double(size_t)> weight;
    };
    const std::vector<Case> cases = {
        {"dapo", "batch_std", deviation, [&](size_t) { return 1 / tokens; }},
        {"dr_grpo", "by_loss", 1, [&](size_t) { return 1 / (12 * B * 2); }},
        {"grpo", "mean_only", 1,
         [&](size_t length) { return 1 / (12 * B * static_cast<double>(length)); }},
        {"gspo", "mean_only", 1,
         [&](size_t length) { return 1 / (12 * B * static_cast<double>(length)); }}};
    for (const Case& one : cases) {
      const auto trainer = start_grpo(world, *world.backbone, examples, reward,
                                      {{"batch_prompts", "1000"},
                                       {"micro_prompts", micro},
                                       {"completions", "12"},
                                       {"clip", "0"},
                                       {"kl", "0"},
                                       {"learning_rate", "0"},
                                       {"loss", one.loss},
                                       {"advantage", one.advantage}});
      trainer->step(0, world.context);
      const auto expected = gradients(
          token_loss(world, examples.rows(), *reward, one.deviation, one.weight), *world.backbone);
      EXPECT_LT(gradient_difference(*world.backbone, expected), 2e-5) << one.loss << " " << micro;
    }
  }
}

TEST(Grpo, CurvesSayWhatTheRolloutWas) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples(false);
  const auto reward = std::make_shared<ToyReward>(world.sids);
  const auto trainer = start_grpo(
      world, *world.backbone, examples, reward,
      {{"batch_prompts", "1000"}, {"completions", "5"}, {"learning_rate", "0"}, {"kl", "0"}});
  trainer->step(0, world.context);
  double hits = 0, entropy = 0;
  std::vector<double> ranks;
  for (const CompiledExample& row : examples.rows()) {
    const auto best = all_completions(world, *world.backbone, row.prompt);
    double rank = 6;
    for (int64_t g = 0; g < 5; ++g) {
      if (best[static_cast<size_t>(g)].second == row.target_item) rank = static_cast<double>(g + 1);
    }
    hits += rank < 6;
    ranks.push_back(rank);
    for (int64_t item = 0; item < 3; ++item) {  // one of every first code
      const double p = legal_log_probs(world, *world.backbone, row.prompt, item)[0].item<double>();
      entropy -= std::exp(p) * p;
    }
  }
  const auto B = static_cast<double>(ranks.size());
  std::sort(ranks.begin(), ranks.end());
  auto& numbers = world.context.numbers;
  EXPECT_NEAR(numbers["train.hit_rate"].back(), hits / B, 1e-12);
  EXPECT_NEAR(numbers["train.entropy"].back(), entropy / B, 1e-5);
  EXPECT_EQ(numbers["train.target_rank.p50"].back(), ranks[7]);  // of 15
  EXPECT_EQ(numbers["train.target_rank.p25"].back(), (ranks[3] + ranks[4]) / 2);
  EXPECT_EQ(numbers["train.target_rank.p75"].back(), (ranks[10] + ranks[11]) / 2);
  EXPECT_GT(hits, 0);
  EXPECT_LT(hits, B);
}

// Only prompts whose target is an even item have groups that teach.
class HalfFlatReward : public ToyReward {
 public:
  using ToyReward::ToyReward;
  torch::Tensor score(const Rollouts& rollouts) const override {
    return ToyReward::score(rollouts) * (rollouts.target_B % 2 == 0).unsqueeze(1);
  }
};

TEST(Grpo, PromptsThatTeachNothingComeLessOften) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples(false);
  const auto trainer =
      start_grpo(world, *world.backbone, examples, std::make_shared<HalfFlatReward>(world.sids),
                 {{"flat_weight", "0.1"},
                  {"batch_prompts", "3"},
                  {"completions", "12"},
                  {"learning_rate", "0"},
                  {"kl", "0"},
                  {"epochs", "100"}});
  for (int64_t step = 0; step < 60; ++step) trainer->step(step, world.context);  // all are known
  examples.asked.clear();
  for (int64_t step = 60; step < 460; ++step) trainer->step(step, world.context);
  std::map<bool, double> asked, rows;
  std::vector<int64_t> of_row(15, 0);
  for (const int64_t row : examples.asked) {
    ++asked[examples.rows()[static_cast<size_t>(row)].target_item % 2 == 0];
    ++of_row[static_cast<size_t>(row)];
  }
  for (const CompiledExample& row : examples.rows()) ++rows[row.target_item % 2 == 0];
  // Without replacement and with few rows the rate is not quite a tenth.
  const double rate = (asked[false] / rows[false]) / (asked[true] / rows[true]);
  EXPECT_GT(rate, 0.08);
  EXPECT_LT(rate, 0.2);
  EXPECT_GT(*std::min_element(of_row.begin(), of_row.end()), 0);  // none is lost
  EXPECT_EQ(examples.asked.size(), 1200U);
}

TEST(Grpo, TheTargetIsAddedWhereBeamsMissIt) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples(false);
  const auto trainer =
      start_grpo(world, *world.backbone, examples, std::make_shared<ToyReward>(world.sids),
                 {{"rollout", "add_gt"}, {"batch_prompts", "1000"}, {"completions", "3"}});
  trainer->step(0, world.context);
  EXPECT_EQ(world.context.numbers["train.hit_rate"].back(), 1);
  // The validation looks at the policy's own answers.
  const double own = trainer->validate(world.context)[0].value;
  const auto beams = start_grpo(world, *world.backbone, examples,
                                std::make_shared<ToyReward>(world.sids), {{"completions", "3"}});
  EXPECT_EQ(own, beams->validate(world.context)[0].value);
}

TEST(Grpo, EqualRewardsTeachNothing) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples(false);
  const auto trainer = start_grpo(world, *world.backbone, examples, std::make_shared<FlatReward>(),
                                  {{"batch_prompts", "8"}, {"completions", "4"}, {"clip", "0"}});
  trainer->step(0, world.context);
  for (const nn::Parameter& parameter : world.backbone->parameters()) {
    EXPECT_LT(parameter.value.grad().abs().max().item<double>(), 1e-7) << parameter.name;
  }
  EXPECT_EQ(world.context.numbers["train.zero_variance"], std::vector<double>{1});
}

TEST(Grpo, RaisesTheReward) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples(false);
  const auto trainer = start_grpo(
      world, *world.backbone, examples, std::make_shared<ToyReward>(world.sids),
      {{"batch_prompts", "15"}, {"completions", "6"}, {"epochs", "40"}, {"learning_rate", "0.01"}});
  const double before = trainer->validate(world.context)[1].value;
  for (int64_t i = 0; i < trainer->num_steps(); ++i) trainer->step(i, world.context);
  const Numbers after = trainer->validate(world.context);
  EXPECT_GT(after[1].value, before + 0.05);
  EXPECT_EQ(after[0].value, -after[1].value);
}

TEST(Grpo, ResumesToTheSameBytes) {
  const std::vector<OptionTexts> ways = {
      {{"rollout", "beam"}},
      {{"rollout", "sample"}},
      {{"rollout", "dynamic"}, {"loss", "grpo_clip"}, {"reuse", "3"}},
      {{"rollout", "mixture"}, {"loss", "dapo"}, {"reuse", "2"}, {"advantage", "batch_std"}},
      {{"rollout", "add_gt"}, {"scoring", "legal"}, {"kl_estimator", "exact"}},
      {{"rollout", "exact"}, {"logprob", "legal"}, {"kl_estimator", "k1"}},
      {{"flat_weight", "0.2"}}};
  for (const OptionTexts& way : ways) {
    ToyWorld world;
    const ToyExamples examples = world.make_examples(false);
    expect_exact_resume(
        world,
        [&](Backbone& model) {
          OptionTexts options = {{"batch_prompts", "4"},    {"completions", "5"}, {"epochs", "4"},
                                 {"learning_rate", "0.01"}, {"sync_every", "2"},  {"kl", "0.1"}};
          options.insert(way.begin(), way.end());
          return start_grpo(world, model, examples, std::make_shared<ToyReward>(world.sids),
                            options);
        },
        /*before=*/3, /*after=*/4);
  }
}

// Each worker computes one part of the step, so that its gradients are sums of the same two terms
// in the same order.
TEST(Grpo, ComputingBlocksAgainTakesTheSameSteps) {
  const std::vector<OptionTexts> ways = {
      {},
      {{"rollout", "sample"}, {"loss", "grpo_clip"}, {"reuse", "2"}},
      {{"loss", "dapo"}, {"logprob", "legal"}, {"kl_estimator", "exact"}}};
  for (const OptionTexts& way : ways) {
    const auto trained = [&](const char* checkpoint) {
      ToyWorld world;
      const ToyExamples examples = world.make_examples(/*with_text_task=*/false);
      OptionTexts options = {{"batch_prompts", "8"},
                             {"completions", "5"},
                             {"learning_rate", "0.01"},
                             {"kl", "0.1"},
                             {"checkpoint", checkpoint}};
      options.insert(way.begin(), way.end());
      const auto trainer = start_grpo(world, *world.backbone, examples,
                                      std::make_shared<ToyReward>(world.sids), options);
      for (int64_t index = 0; index < 3; ++index) trainer->step(index, world.context);
      std::vector<torch::Tensor> values;
      for (const nn::Parameter& parameter : trainer->parameters())
        values.push_back(parameter.value.detach().clone());
      return values;
    };
    const auto plain = trained("false"), checkpointed = trained("true");
    for (size_t i = 0; i < plain.size(); ++i)
      EXPECT_TRUE(torch::equal(plain[i], checkpointed[i])) << i;
  }
}

TEST(Grpo, ABeamHasNoMoreCompletionsThanThereAreSids) {
  ToyWorld world;  // 12 SIDs
  const ToyExamples examples = world.make_examples(false);
  const auto start = [&](const std::string& completions, const std::string& rollout) {
    return start_grpo(world, *world.backbone, examples, std::make_shared<FlatReward>(),
                      {{"completions", completions}, {"rollout", rollout}});
  };
  EXPECT_EQ(
      message_of<ConfigError>([&] { start("13", "beam"); }),
      "completions = 13, but the catalogue has only 12 SIDs, and rollout = \"beam\" gives each "
      "of them once; set completions = 12 at most, or rollout = \"sample\"");
  start("12", "beam")->step(0, world.context);
  start("13", "sample")->step(0, world.context);
  // Items that share their SID are one answer.
  SidTable shared = world.sids;
  shared.code_NL = torch::zeros_like(shared.code_NL);
  EXPECT_NE(message_of<ConfigError>([&] {
              start("2", "beam")->check_sids(shared);
            }).find("has only 1 SIDs, and rollout = \"beam\" gives each of them once; set rollout"),
            std::string::npos);
}

// Examples to train on, none to validate on.
class UnvalidatedExamples final : public ToyExamples {
 public:
  using ToyExamples::ToyExamples;
  int64_t size(Split split) const override {
    return split == Split::valid ? 0 : ToyExamples::size(split);
  }
};

TEST(Grpo, WithoutValidationRowsThereAreNoNumbers) {
  ToyWorld world;
  const ToyExamples rows = world.make_examples(false);
  const UnvalidatedExamples examples(rows.rows(), std::vector<int64_t>(rows.rows().size(), 0),
                                     rows.task_names());
  const auto trainer = start_grpo(world, *world.backbone, examples, std::make_shared<FlatReward>(),
                                  {{"completions", "4"}});
  EXPECT_TRUE(trainer->validate(world.context).empty());
  EXPECT_TRUE(
      std::any_of(world.context.messages.begin(), world.context.messages.end(),
                  [](const std::string& line) { return contains(line, "nothing is validated"); }));
}

TEST(Grpo, MissingRewardsAndTextTasksAreErrors) {
  ToyWorld world;
  const ToyExamples with_text = world.make_examples(true);
  auto trainer = built_part("trainer", "grpo", {{"batch_prompts", "100"}, {"completions", "4"}})
                     .with("reward", {})
                     .make_as<Trainer>(world.context);
  const std::string no_reward = message_of<ConfigError>(
      [&] { trainer->start(world.inputs(*world.backbone, with_text), world.context); });
  EXPECT_NE(no_reward.find("[[stage.reward]]"), std::string::npos) << no_reward;
  const auto started = start_grpo(world, *world.backbone, with_text, std::make_shared<FlatReward>(),
                                  {{"batch_prompts", "100"}, {"completions", "4"}});
  const std::string text_task = message_of<ConfigError>([&] { started->step(0, world.context); });
  EXPECT_NE(text_task.find("'sid_to_title' does not answer with an item"), std::string::npos)
      << text_task;
}

}  // namespace
}  // namespace tsrec::test
