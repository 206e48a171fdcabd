#include "report/training.hpp"

#include <algorithm>

namespace tsrec::host {
namespace {

constexpr const char* kTrain = "train.";
constexpr const char* kValid = "valid.";

bool is_of_training(const Curve& curve) {
  return curve.stage.role == StageId::Role::train &&
         (curve.name.starts_with(kTrain) || curve.name.starts_with(kValid));
}

// A trainer counts its steps from 0; a validation says how many are done. Before the first step
// there is no stretch.
int64_t steps_done(const Curve& curve, size_t point) {
  return curve.steps[point] + (curve.name.starts_with(kTrain) ? 1 : 0);
}

class Stretches {
 public:
  Stretches(int64_t steps, int64_t most) : steps_(steps), count_(std::min(steps, most)) {}
  int64_t count() const { return count_; }
  // The last step of the stretches before this one.
  int64_t begin(int64_t stretch) const { return stretch * steps_ / count_; }
  std::string name(int64_t stretch) const {
    const int64_t first = begin(stretch) + 1, last = begin(stretch + 1);
    return first == last ? std::to_string(first) : c10::str(first, "-", last);
  }
  int64_t of(int64_t step) const {
    int64_t stretch = 0;
    while (step > begin(stretch + 1)) ++stretch;
    return stretch;
  }

 private:
  int64_t steps_, count_;
};

TrainingCurves::Row row_of(const Curve& curve, const Stretches& stretches) {
  TrainingCurves::Row row{curve.name, {}};
  row.values.resize(static_cast<size_t>(stretches.count()));
  std::vector<double> count(row.values.size(), 0);
  for (size_t point = 0; point < curve.steps.size(); ++point) {
    const int64_t step = steps_done(curve, point);
    if (step < 1) continue;
    const auto at = static_cast<size_t>(stretches.of(step));
    row.values[at] = row.values[at].value_or(0) + curve.values[point];
    ++count[at];
  }
  for (size_t at = 0; at < count.size(); ++at) {
    if (row.values[at]) *row.values[at] /= count[at];
  }
  return row;
}

}  // namespace

std::string TrainingAgainstStart::warning() const {
  std::string steps;
  const AgainstStart::Point* last = nullptr;
  for (const AgainstStart::Point& point : known.points) {
    if (!point.is_worse) continue;
    steps += (last != nullptr ? ", " : "") + std::to_string(point.step);
    last = &point;
  }
  if (last == nullptr) return "";
  const std::string kept = known.kept == 0 ? "it hands on the state that it started from"
                                           : c10::str("it hands on the state of step ", known.kept);
  return c10::str(run.empty() ? "" : run + ": ", "while ", stage, " trained, after steps ", steps,
                  ", ", known.sentence(*last), "; it started from ", before, ", and ", kept);
}

std::vector<TrainingAgainstStart> trainings_of(const std::vector<StageResult>& results,
                                               const Lineage& lineage) {
  std::vector<TrainingAgainstStart> trainings;
  for (const StageResult& result : results) {
    if (result.id.role != StageId::Role::train || result.digest.empty()) continue;
    if (auto known = read_against_start(result.folder)) {
      const auto before = lineage.find(result.id.of);
      trainings.push_back(
          {"", result.id.of, before != lineage.end() ? before->second : "", std::move(*known)});
    }
  }
  return trainings;
}

std::vector<std::string> warnings_of(const std::vector<Alarm>& alarms,
                                     const std::vector<TrainingAgainstStart>& trainings) {
  std::vector<std::string> sentences;
  for (const TrainingAgainstStart& training : trainings) {
    if (std::string warning = training.warning(); !warning.empty())
      sentences.push_back(std::move(warning));
  }
  for (const Alarm& alarm : alarms) sentences.push_back(alarm.sentence());
  return sentences;
}

std::vector<TrainingCurves> training_curves(const std::vector<Curve>& curves,
                                            int64_t most_stretches) {
  std::vector<std::string> stages;
  std::map<std::string, int64_t> steps;
  for (const Curve& curve : curves) {
    if (!is_of_training(curve)) continue;
    if (!steps.contains(curve.stage.of)) stages.push_back(curve.stage.of);
    int64_t& last = steps[curve.stage.of];
    for (size_t point = 0; point < curve.steps.size(); ++point)
      last = std::max(last, steps_done(curve, point));
  }
  std::vector<TrainingCurves> trainings;
  for (const std::string& stage : stages) {
    if (steps[stage] == 0) continue;
    const Stretches stretches(steps[stage], most_stretches);
    TrainingCurves& training = trainings.emplace_back(TrainingCurves{stage, {}, {}});
    for (int64_t stretch = 0; stretch < stretches.count(); ++stretch)
      training.stretches.push_back(stretches.name(stretch));
    for (const Curve& curve : curves) {
      if (is_of_training(curve) && curve.stage.of == stage)
        training.rows.push_back(row_of(curve, stretches));
    }
  }
  return trainings;
}

}  // namespace tsrec::host
