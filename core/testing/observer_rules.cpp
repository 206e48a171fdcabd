#include <cmath>

#include "rules.hpp"
#include "tsrec/parts/observer.hpp"

namespace tsrec::kit {
namespace observer_rule {  // rules of other kinds have the same names

constexpr int64_t kSteps = 24;

// A training that is looked at, with all that must outlive its observer.
struct Watched {
  Watched()
      : examples(world.examples()),
        inputs{.policy = *world.backbone,
               .validation = *examples,
               .sids = world.sids,
               .trie = world.trie,
               .data = world.data,
               .notes = world.notes,
               .num_steps = kSteps} {}
  std::shared_ptr<Observer> started(const Subject& subject) {
    auto observer = subject.make_as<Observer>(world.context);
    observer->start(inputs, world.context);
    return observer;
  }

  ToyWorld world;
  std::shared_ptr<ExampleSet> examples;
  ObserverInputs inputs;
};

// What a trainer says: a loss that falls and stays, and a validation behind every third step.
TrainingStep step_of(int64_t index) {
  const double loss = std::max(1.0 / static_cast<double>(index + 1), 0.1);
  TrainingStep step{index, index % 3 == 2, {{"train.loss", loss, {}}}};
  step.numbers.push_back({"train.gradient_norm", 2 + std::sin(static_cast<double>(index)), {}});
  step.numbers.push_back({"train.learning_rate", 1e-3, {}});
  if (step.is_validated) step.numbers.push_back({"valid.loss", loss + 0.05, {}});
  return step;
}

// "" to go on; behind a reason, or a refusal, nobody asks again.
std::string answer(Observer& observer, const TrainingStep& step, Context& context) {
  std::string said;
  const bool works = works_or_says_why([&] {
    const std::optional<std::string> reason = observer.look(step, context);
    boundary::check_reason(reason);
    said = reason.value_or("");
  });
  return works ? said : "refused";
}

std::vector<std::string> answers(Observer& observer, int64_t from, Context& context) {
  std::vector<std::string> all;
  for (int64_t index = from; index < kSteps && (all.empty() || all.back().empty()); ++index)
    all.push_back(answer(observer, step_of(index), context));
  return all;
}

void every_step_can_be_seen(const Subject& subject) {
  const std::vector<std::function<void(TrainingStep&)>> changes = {
      [](TrainingStep&) {}, [](TrainingStep& step) { step.numbers.clear(); },
      [](TrainingStep& step) {
        step.numbers.push_back({"an odd \"name\" of \xC3\xA9", 1, {}});
      },
      [](TrainingStep& step) {
        for (Number& number : step.numbers) number.value = std::nan("");
      },
      [](TrainingStep& step) {
        for (Number& number : step.numbers) number.value = step.index % 2 ? HUGE_VAL : -HUGE_VAL;
      }};
  for (const auto& change : changes) {
    Watched watched;
    const auto observer = watched.started(subject);
    std::string said;
    for (int64_t index = 0; index < kSteps && said.empty(); ++index) {
      TrainingStep step = step_of(index);
      change(step);
      said = answer(*observer, step, watched.world.context);
    }
  }
}

void what_is_seen_decides(const Subject& subject) {
  Watched one, other;
  require(answers(*one.started(subject), 0, one.world.context) ==
              answers(*other.started(subject), 0, other.world.context),
          "two observers of equal trainings answer differently");
}

// The order of a resumed stage: made and started again, then the state.
void resumed_as_if_never_stopped(const Subject& subject) {
  Watched straight;
  const auto wanted = answers(*straight.started(subject), 0, straight.world.context);
  for (const int64_t stop : {1, 4, 9, 17}) {
    if (stop >= static_cast<int64_t>(wanted.size())) break;  // it had ended the training by then
    Watched first, second;
    const auto before = first.started(subject), after = second.started(subject);
    for (int64_t index = 0; index < stop; ++index)
      answer(*before, step_of(index), first.world.context);
    through_disk([&](ArtifactWriter& writer) { before->save_state(writer); },
                 [&](const ArtifactReader& reader) { after->load_state(reader); });
    const std::vector<std::string> rest(wanted.begin() + stop, wanted.end());
    require(answers(*after, stop, second.world.context) == rest, "stopped behind step ", stop - 1,
            " and resumed, it answers otherwise than if it had not been stopped");
  }
}

void the_model_stays(const Subject& subject) {
  Watched watched;
  std::vector<torch::Tensor> values;
  for (const nn::Parameter& parameter : watched.world.backbone->parameters())
    values.push_back(parameter.value);
  const boundary::Untouched weights(values);
  answers(*watched.started(subject), 0, watched.world.context);
  weights.check("look()", "the weights of the model");
}

void what_it_says_can_be_shown(const Subject& subject) {
  Watched watched;
  answers(*watched.started(subject), 0, watched.world.context);
  require(watched.world.context.complaint().empty(), watched.world.context.complaint());
}

}  // namespace observer_rule

std::vector<Rule> observer_rules() {
  using namespace observer_rule;
  return {
      {"it sees any step, with numbers, none, NaN or infinite ones: it goes on, gives a reason, "
       "or says what is wrong",
       every_step_can_be_seen},
      {"what it is given decides its answers", what_is_seen_decides},
      {"saved and loaded, it answers as if it had never been stopped", resumed_as_if_never_stopped},
      {"the model stays as it is", the_model_stays},
      {"its numbers and names can be shown", what_it_says_can_be_shown}};
}

}  // namespace tsrec::kit
