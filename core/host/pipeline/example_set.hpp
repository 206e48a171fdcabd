// The enabled tasks of a stage as one list of compiled examples.
#pragma once

#include "tsrec/parts/task.hpp"

namespace tsrec::host {

struct WeightedTask {
  std::string name;
  std::shared_ptr<const Task> task;
  double weight = 1;  // of the task's rows in the loss
  double repeat =
      1;  // how often its training rows occur in an epoch; 0.1: a tenth of them, in turn
};

class TaskExamples final : public ExampleSet {
 public:
  TaskExamples(std::vector<WeightedTask> tasks, const Dataset& data,
               const PromptCompiler& compiler);
  int64_t size(Split split) const override;
  CompiledExample at(Split split, int64_t index, int64_t epoch) const override;
  int64_t group(Split split, int64_t index, int64_t epoch) const override;
  const std::vector<std::string>& task_names() const override { return names_; }
  const PromptCompiler& compiler() const override { return compiler_; }
  const std::vector<int32_t>& suffix(int32_t task) const override;

 private:
  struct Place {
    size_t task;
    int64_t row;
    uint64_t draw;  // how often the row was given before
  };
  Place place(Split split, int64_t index, int64_t epoch) const;
  int64_t rows(const WeightedTask& task, Split split) const;
  std::vector<WeightedTask> tasks_;
  std::vector<std::string> names_;
  const Dataset& data_;
  const PromptCompiler& compiler_;
};

}  // namespace tsrec::host
