#include "rules.hpp"

namespace tsrec::kit {
namespace stepwise_rule {

constexpr int64_t kSteps = 4;  // at most; whole trainings would take long

// A part after its entry. Rules about steps do not apply to one without any.
struct Started {
  Started(const MakeReady& ready, const Subject& subject) : made(ready(subject, context)) {
    steps = steps_of(*made.part);
    if (steps == nullptr) throw Skipped{"its work is not done in steps"};
    boundary::check_num_steps(steps->num_steps());
    boundary::check_validate_every(steps->validate_every());
    boundary::check_patience(steps->patience());
    count = std::min(kSteps, steps->num_steps());
    if (count == 0) throw Skipped{"with these options it has no steps to do"};
  }
  void run(int64_t from, int64_t to) {
    for (int64_t index = from; index < to; ++index) steps->step(index, context);
  }
  std::vector<torch::Tensor> values() { return nn::values_of(steps->parameters()); }

  TestContext context;
  ReadyPart made;
  Stepwise* steps = nullptr;
  int64_t count = 0;
};

bool all_same(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (!same(a[i], b[i])) return false;
  }
  return a.size() == b.size();
}

void steps_change_the_parameters(const MakeReady& ready, const Subject& subject) {
  Started started(ready, subject);
  boundary::check_parameters(started.steps->parameters());
  const auto before = started.values();
  started.run(0, started.count);
  const auto after = started.values();
  require(!all_same(before, after), started.count, " steps leave all parameters as they were");
  for (const torch::Tensor& value : after)
    require(value.isfinite().all().item<bool>(), "a parameter is not finite after ", started.count,
            " steps");
}

void validation_changes_nothing(const MakeReady& ready, const Subject& subject) {
  Started started(ready, subject);
  started.run(0, 1);
  const auto before = started.values();
  const Numbers numbers = validated(*started.steps, /*step=*/1, started.context);
  boundary::check_names(numbers, "validate()");
  for (const Number& number : numbers)
    require(std::isfinite(number.value), "'", number.name, "' is ", number.value);
  require(all_same(before, started.values()), "validate() changes the parameters");
  const Numbers again = validated(*started.steps, /*step=*/1, started.context);
  require(numbers.size() == again.size() &&
              (numbers.empty() || numbers.front().value == again.front().value),
          "a second validate() gives another loss");
}

void the_seed_decides(const MakeReady& ready, const Subject& subject) {
  Started one(ready, subject), other(ready, subject);
  one.run(0, one.count);
  other.run(0, other.count);
  require(all_same(one.values(), other.values()), "two runs with one seed differ");
}

// The order of a resumed stage: the entry, the parameters' values, the rest of the state.
void resumed_as_if_never_stopped(const MakeReady& ready, const Subject& subject) {
  Started straight(ready, subject);
  straight.run(0, straight.count);

  const int64_t half = straight.count / 2;
  Started first(ready, subject);
  first.run(0, half);
  Started second(ready, subject);
  through_disk(
      [&](ArtifactWriter& writer) { nn::save_values(first.steps->parameters(), writer); },
      [&](const ArtifactReader& reader) { nn::load_values(second.steps->parameters(), reader); });
  through_disk([&](ArtifactWriter& writer) { first.steps->save_state(writer); },
               [&](const ArtifactReader& reader) { second.steps->load_state(reader); });
  second.run(half, straight.count);
  require(all_same(straight.values(), second.values()), "stopped after step ", half, " of ",
          straight.count,
          " and resumed, the parameters differ from those of a run that was not stopped");
}

}  // namespace stepwise_rule

std::vector<Rule> stepwise_rules(const MakeReady& ready) {
  using namespace stepwise_rule;
  const auto about = [&](void (*check)(const MakeReady&, const Subject&)) {
    return [ready, check](const Subject& subject) { check(ready, subject); };
  };
  return {{"steps change the parameters, which have distinct names, and keep them finite",
           about(steps_change_the_parameters)},
          {"validate() begins with a finite 'loss', or has no numbers; it changes nothing, and "
           "gives them again",
           about(validation_changes_nothing)},
          {"equal inputs and seed give equal bytes step by step", about(the_seed_decides)},
          {"stopped, saved, loaded and resumed it gives the bytes of a straight run",
           about(resumed_as_if_never_stopped)}};
}

}  // namespace tsrec::kit
