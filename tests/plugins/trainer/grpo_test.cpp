#include "plugins/trainer/toy_world.hpp"

namespace tsrec::test {
namespace {

// 1 for the target, a third for an item of the same first code.
class ToyReward : public Reward {
 public:
  explicit ToyReward(const SidTable& sids) : sids_(sids) {}
  void prepare(const RewardInputs&, Context&) override {}
  double of(int64_t target, int64_t item) const {
    if (item == target) return 1;
    return sids_.code_NL[item][0].item<int64_t>() == sids_.code_NL[target][0].item<int64_t>()
               ? 1.0 / 3
               : 0;
  }
  torch::Tensor score(const Rollouts& rollouts) const override {
    torch::Tensor reward_BG = torch::zeros_like(rollouts.log_prob_BG);
    for (int64_t b = 0; b < reward_BG.size(0); ++b) {
      for (int64_t g = 0; g < reward_BG.size(1); ++g) {
        reward_BG[b][g] =
            of(rollouts.target_B[b].item<int64_t>(), rollouts.item_BG[b][g].item<int64_t>());
      }
    }
    return reward_BG;
  }

 private:
  const SidTable& sids_;
};

class FlatReward : public Reward {
 public:
  void prepare(const RewardInputs&, Context&) override {}
  torch::Tensor score(const Rollouts& rollouts) const override {
    return torch::ones_like(rollouts.log_prob_BG);
  }
};

std::shared_ptr<Trainer> start_grpo(ToyWorld& world, Backbone& model, const ToyExamples& examples,
                                    std::shared_ptr<Reward> reward, OptionTexts options) {
  auto trainer = built_part("trainer", "grpo", options)
                     .with("reward", {slot_entry("toy", std::move(reward))})
                     .make_as<Trainer>(world.context);
  trainer->start({.policy = model,
                  .examples = examples,
                  .validation = examples,
                  .sids = world.sids,
                  .trie = world.trie,
                  .data = world.data,
                  .notes = world.notes},
                 world.context);
  return trainer;
}

// Every legal completion with its log-probability, best first: the catalogue is small enough to
// list.
std::vector<std::pair<double, int64_t>> all_completions(const ToyWorld& world,
                                                        const nn::LanguageModel& model,
                                                        const std::vector<int32_t>& prompt) {
  const torch::NoGradGuard no_grad;
  std::vector<std::pair<double, int64_t>> found;
  for (int64_t item = 0; item < world.items.size(); ++item) {
    found.emplace_back(
        row_log_probs(model, prompt, world.vocabulary.ids(world.sids, item)).sum().item<double>(),
        item);
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  return found;
}

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
  for (const std::string rollout : {"beam", "sample"}) {
    ToyWorld world;
    const ToyExamples examples = world.make_examples(false);
    expect_exact_resume(
        world,
        [&](Backbone& model) {
          return start_grpo(world, model, examples, std::make_shared<ToyReward>(world.sids),
                            {{"batch_prompts", "4"},
                             {"completions", "5"},
                             {"rollout", rollout},
                             {"epochs", "4"},
                             {"learning_rate", "0.01"},
                             {"sync_every", "2"},
                             {"kl", "0.1"}});
        },
        /*before=*/3, /*after=*/4);
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
  const std::string no_reward = message_of<ConfigError>([&] {
    trainer->start({.policy = *world.backbone,
                    .examples = with_text,
                    .validation = with_text,
                    .sids = world.sids,
                    .trie = world.trie,
                    .data = world.data,
                    .notes = world.notes},
                   world.context);
  });
  EXPECT_NE(no_reward.find("[[stage.reward]]"), std::string::npos) << no_reward;
  const auto started = start_grpo(world, *world.backbone, with_text, std::make_shared<FlatReward>(),
                                  {{"batch_prompts", "100"}, {"completions", "4"}});
  const std::string text_task = message_of<ConfigError>([&] { started->step(0, world.context); });
  EXPECT_NE(text_task.find("'sid_to_title' does not answer with an item"), std::string::npos)
      << text_task;
}

}  // namespace
}  // namespace tsrec::test
