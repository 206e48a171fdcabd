#include <set>

#include "rules.hpp"
#include "tsrec/part_options.hpp"

namespace tsrec::kit {
namespace trainer_rule {  // rules of other kinds have the same names

// What a trainer is given, with all that must outlive it.
struct Training {
  explicit Training(const Subject& subject, bool with_rows = true)
      : world(/*tied=*/true, subject.wordings()),
        examples(with_rows ? world.examples() : world.no_examples()),
        inputs{.policy = *world.backbone,
               .examples = *examples,
               .validation = *examples,
               .sids = world.sids,
               .trie = world.trie,
               .data = world.data,
               .notes = world.notes} {}

  ToyWorld world;
  std::shared_ptr<ExampleSet> examples;
  TrainInputs inputs;
};

ReadyPart started(const Subject& subject, Context& context) {
  const auto training = std::make_shared<Training>(subject);
  const auto trainer = subject.make_as<Trainer>(context);
  trainer->start(training->inputs, context);
  return {training, trainer};
}

void steps_train_the_policy(const Subject& subject) {
  Training training(subject);
  const auto trainer = subject.make_as<Trainer>(training.world.context);
  trainer->start(training.inputs, training.world.context);
  boundary::check_num_steps(trainer->num_steps());
  require(trainer->num_steps() > 0, "num_steps() is ", trainer->num_steps());
  std::set<const void*> trained;
  for (const nn::Parameter& parameter : trainer->parameters())
    trained.insert(parameter.value.const_data_ptr());
  const auto before = nn::values_of(training.world.backbone->parameters());
  for (int64_t index = 0; index < std::min<int64_t>(4, trainer->num_steps()); ++index)
    trainer->step(index, training.world.context);
  const auto policy = training.world.backbone->parameters();
  bool is_changed = false;
  for (size_t i = 0; i < policy.size(); ++i) {
    if (same(policy[i].value.detach(), before[i])) continue;
    is_changed = true;
    require(trained.contains(policy[i].value.const_data_ptr()), "the steps change '",
            policy[i].name, "', which parameters() does not name");
  }
  require(is_changed, "the steps leave all weights of the policy as they were");
}

// The same trainer with nothing in the options that are parts.
Subject without_parts(Subject subject) {
  const PartOptions declared(subject.info());
  for (const auto& field : declared.options.fields()) {
    if (std::holds_alternative<AnySlot*>(field->target()))
      subject = subject.with(field->facts().key, {});
  }
  return subject;
}

void nothing_to_train_on(const Subject& subject) {
  works_or_says_why([&] {
    Training training(subject, /*with_rows=*/false);
    const auto trainer = subject.make_as<Trainer>(training.world.context);
    trainer->start(training.inputs, training.world.context);
    require(trainer->num_steps() == 0, "without rows it wants ", trainer->num_steps(), " steps");
  });
  works_or_says_why([&] {
    Training training(subject);
    const auto trainer = without_parts(subject).make_as<Trainer>(training.world.context);
    trainer->start(training.inputs, training.world.context);
    trainer->step(0, training.world.context);
  });
}

}  // namespace trainer_rule

std::vector<Rule> trainer_rules() {
  using namespace trainer_rule;
  std::vector<Rule> rules = {
      {"steps change the policy's weights, and no others than it names", steps_train_the_policy},
      {"without rows, and without rewards: it trains, or says why not", nothing_to_train_on}};
  append(rules, long_work_rules([](const Subject& subject, Context& context) {
           const ReadyPart ready = started(subject, context);
           Stepwise& steps = *steps_of(*ready.part);
           steps.step(0, context);
           steps.validate(context);
         }));
  append(rules, stepwise_rules(started));
  return rules;
}

}  // namespace tsrec::kit
