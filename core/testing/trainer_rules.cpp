#include "rules.hpp"

namespace tsrec::kit {
namespace trainer_rule {  // rules of other kinds have the same names

constexpr int64_t kSteps = 4;  // at most; whole epochs would take long

// 1 for the target, 0.5 for any item with an even number: enough to tell completions apart.
class ToyReward final : public Reward {
 public:
  void prepare(const RewardInputs&, Context&) override {}
  torch::Tensor score(const Rollouts& rollouts) const override {
    const torch::Tensor hit_BG = rollouts.item_BG == rollouts.target_B.unsqueeze(1);
    return hit_BG.to(torch::kFloat32) + 0.5 * (rollouts.item_BG % 2 == 0).to(torch::kFloat32);
  }
};

// A trainer that has started, with all that must outlive it.
struct Training {
  explicit Training(const Subject& subject, bool with_rewards = true, bool with_rows = true)
      : examples(with_rows ? world.examples() : world.no_examples()),
        trainer(subject.make_as<Trainer>(world.context)),
        inputs{.policy = *world.backbone,
               .examples = *examples,
               .validation = *examples,
               .sids = world.sids,
               .trie = world.trie,
               .rewards = {},
               .reward_names = {},
               .reward_weights = {}} {
    if (!with_rewards) return;
    inputs.rewards = {std::make_shared<ToyReward>()};
    inputs.reward_names = {"toy"};
    inputs.reward_weights = {1.0};
  }
  void start() { trainer->start(inputs, world.context); }
  void run(int64_t from, int64_t to) {
    for (int64_t index = from; index < to; ++index) trainer->step(index, world.context);
  }
  int64_t steps() const { return std::min(kSteps, trainer->num_steps()); }
  std::vector<torch::Tensor> weights() {
    std::vector<torch::Tensor> values;
    for (const nn::Parameter& parameter : world.backbone->parameters())
      values.push_back(parameter.value.detach().clone());
    return values;
  }

  ToyWorld world;
  std::shared_ptr<ExampleSet> examples;
  std::shared_ptr<Trainer> trainer;
  TrainInputs inputs;
};

bool all_same(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!same(a[i], b[i])) return false;
  }
  return a.size() == b.size();
}

void steps_change_the_weights(const Subject& subject) {
  Training training(subject);
  training.start();
  require(training.trainer->num_steps() > 0, "num_steps() is ", training.trainer->num_steps());
  const auto before = training.weights();
  training.run(0, training.steps());
  const auto after = training.weights();
  require(!all_same(before, after), training.steps(), " steps leave all weights as they were");
  for (const torch::Tensor& weight : after)
    require(weight.isfinite().all().item<bool>(), "a weight is not finite after ", training.steps(),
            " steps");
}

void validation_gives_a_loss_and_changes_nothing(const Subject& subject) {
  Training training(subject);
  training.start();
  training.run(0, 1);
  const auto before = training.weights();
  const Numbers numbers = training.trainer->validate(training.world.context);
  require(!numbers.empty() && numbers.front().name == "loss", "the first number is '",
          numbers.empty() ? "" : numbers.front().name, "', not 'loss'");
  for (const Number& number : numbers)
    require(std::isfinite(number.value), "'", number.name, "' is ", number.value);
  require(all_same(before, training.weights()), "validate() changes the weights");
  require(training.trainer->validate(training.world.context).front().value == numbers.front().value,
          "a second validate() gives another loss");
}

void the_seed_decides(const Subject& subject) {
  Training one(subject), other(subject);
  one.start();
  other.start();
  one.run(0, one.steps());
  other.run(0, other.steps());
  require(all_same(one.weights(), other.weights()), "two runs with one seed differ");
}

void resumed_as_if_never_stopped(const Subject& subject) {
  Training straight(subject);
  straight.start();
  const int64_t steps = straight.steps(), half = steps / 2;
  straight.run(0, steps);

  Training first(subject);
  first.start();
  first.run(0, half);
  const TempFolder folder;
  first.world.backbone->save(folder.path() / "model");
  Training second(subject);
  second.world.backbone->load(folder.path() / "model");
  second.start();
  through_disk([&](ArtifactWriter& writer) { first.trainer->save_state(writer); },
               [&](const ArtifactReader& reader) { second.trainer->load_state(reader); });
  second.run(half, steps);
  require(all_same(straight.weights(), second.weights()), "stopped after step ", half, " of ",
          steps, " and resumed, the weights differ from those of a run that was not stopped");
}

void nothing_to_train_on(const Subject& subject) {
  works_or_says_why([&] {
    Training training(subject, /*with_rewards=*/true, /*with_rows=*/false);
    training.start();
    require(training.trainer->num_steps() == 0, "without rows it wants ",
            training.trainer->num_steps(), " steps");
  });
  works_or_says_why([&] {
    Training training(subject, /*with_rewards=*/false);
    training.start();
    training.run(0, 1);
  });
}

}  // namespace trainer_rule

std::vector<Rule> trainer_rules() {
  using namespace trainer_rule;
  std::vector<Rule> rules = {
      {"steps change the weights and keep them finite", steps_change_the_weights},
      {"validate() begins with a finite 'loss', changes nothing, and gives it again",
       validation_gives_a_loss_and_changes_nothing},
      {"equal examples and seed give equal bytes", the_seed_decides},
      {"stopped, saved, loaded and resumed it gives the bytes of a straight run",
       resumed_as_if_never_stopped},
      {"without rows, and without rewards: it trains, or says why not", nothing_to_train_on}};
  for (Rule& rule : long_work_rules([](const Subject&subject, Context&context) {
         Training training(subject);
         training.trainer->start(training.inputs, context);
         training.trainer->step(0, context);
         training.trainer->validate(context);
       }))
    rules.push_back(std::move(rule));
  return rules;
}

}  // namespace tsrec::kit
