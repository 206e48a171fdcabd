#include "pipeline/trial.hpp"

#include <algorithm>
#include <cmath>

#include "pipeline/against_start.hpp"
#include "pipeline/artefacts.hpp"

namespace tsrec::host {
namespace {

using Role = StageId::Role;

const Stage& validation_of(const Experiment& experiment, const std::string& model) {
  for (const Stage& stage : experiment.validations) {
    if (stage.id.of == model) return stage;
  }
  throw ConfigError("[tune] has no model '", model, "'");
}

// The stages that it reads, directly or through others, and the audit, in their order.
std::vector<Stage> stages_before(const Experiment& experiment, const Stage& last) {
  std::vector<StageId> wanted = last.inputs;
  wanted.push_back({Role::audit});
  std::vector<Stage> stages;
  for (auto stage = experiment.stages.rbegin(); stage != experiment.stages.rend(); ++stage) {
    if (std::find(wanted.begin(), wanted.end(), stage->id) == wanted.end()) continue;
    wanted.insert(wanted.end(), stage->inputs.begin(), stage->inputs.end());
    stages.push_back(*stage);
  }
  std::reverse(stages.begin(), stages.end());
  return stages;
}

bool makes_model(const StageId& id, const std::string& model) {
  return (id.role == Role::recommender || id.role == Role::train) && id.of == model;
}

}  // namespace

Experiment trial_of(const Experiment& experiment, const std::string& model) {
  Experiment trial = experiment;
  const Stage& validation = validation_of(experiment, model);
  trial.stages = stages_before(experiment, validation);
  trial.stages.push_back(validation);
  return trial;
}

std::set<std::string> tuned_before(const Experiment& experiment, const std::string& model) {
  std::set<std::string> before;
  for (const Stage& stage : stages_before(experiment, validation_of(experiment, model))) {
    for (const TunedModel& other : experiment.tune.models) {
      if (other.name != model && makes_model(stage.id, other.name)) before.insert(other.name);
    }
  }
  return before;
}

std::vector<int64_t> reporting_seeds(const Experiment& experiment) {
  const TuneSettings& tune = experiment.tune;
  const bool is_own = !tune.seeds.empty(), is_compared = !experiment.compare.seeds.empty();
  const std::vector<int64_t> seeds = is_own        ? tune.seeds
                                     : is_compared ? experiment.compare.seeds
                                                   : std::vector<int64_t>{experiment.run.seed};
  const char* whose = is_own ? "[tune] seeds" : is_compared ? "[compare] seeds" : "[run] seed";
  for (const int64_t seed : seeds) {
    if (seed == tune.seed)
      throw ConfigError("[tune] seed = ", seed, " is among the seeds of the report (", whose,
                        "), so that the report would show the very runs that were chosen; give "
                        "[tune] another seed");
    if (std::count(seeds.begin(), seeds.end(), seed) > 1)
      throw ConfigError("the seed ", seed, " stands twice in ", whose);
  }
  return seeds;
}

Number validated_number(const std::vector<StageResult>& trial, const TuneSettings& settings) {
  const Numbers numbers = read_numbers(trial.back().folder).numbers;
  const Number* number = watched_number(numbers, settings.watch);
  if (number == nullptr)
    throw ConfigError(
        "no metric of [evaluate] gives a number with a value for each row and a better way, which "
        "[tune] could choose by; add  { use = \"hr\" }");
  return *number;
}

double seconds_of(const std::vector<StageResult>& trial, const Store& store) {
  const std::string& model = trial.back().id.of;
  double seconds = 0;
  for (const StageResult& stage : trial) {
    if (makes_model(stage.id, model) || stage.id.role == Role::validate)
      seconds += store.seconds(stage.key);
  }
  return seconds;
}

std::optional<size_t> best_of(const std::vector<std::optional<double>>& values, Better better) {
  std::optional<size_t> best;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i] || !std::isfinite(*values[i])) continue;
    const bool is_better = !best || (better == Better::lower ? *values[i] < *values[*best]
                                                             : *values[i] > *values[*best]);
    if (is_better) best = i;
  }
  return best;
}

}  // namespace tsrec::host
