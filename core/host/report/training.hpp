// Trainings as a report shows them: against the model that they started from, and their numbers
// over steps.
#pragma once

#include "pipeline/against_start.hpp"
#include "report/curves.hpp"
#include "report/lineage.hpp"
#include "report/paired_tests.hpp"

namespace tsrec::host {

struct TSREC_HOST_API TrainingAgainstStart {
  std::string run;            // of a comparison: cell and seed; "" in a run
  std::string stage, before;  // "grpo", and "sft" that it started from
  AgainstStart known;
  // What to beware of; "" where no validation was worse than the start.
  std::string warning() const;
};
// Of all stages that compared themselves with a trained model.
std::vector<TrainingAgainstStart> trainings_of(const std::vector<StageResult>& results,
                                               const Lineage& lineage);

// Sentences that a reader must not miss: of trainings first, then of evaluations.
std::vector<std::string> warnings_of(const std::vector<Alarm>& alarms,
                                     const std::vector<TrainingAgainstStart>& trainings);

// Means of the numbers of one training over stretches of its steps.
struct TSREC_HOST_API TrainingCurves {
  std::string stage;
  std::vector<std::string> stretches;  // "1-10", "11-20", ...: steps, counted from 1
  struct Row {
    std::string name;                           // "train.reward"
    std::vector<std::optional<double>> values;  // of each stretch; none: nothing was said
  };
  std::vector<Row> rows;  // in the order in which they were first said
};
// What trainers say under train. and what validations say under valid., in so many stretches at
// most.
TSREC_HOST_API std::vector<TrainingCurves> training_curves(const std::vector<Curve>& curves,
                                                           int64_t most_stretches = 8);

}  // namespace tsrec::host
