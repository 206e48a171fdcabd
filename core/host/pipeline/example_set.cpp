#include "pipeline/example_set.hpp"

#include <cmath>

namespace tsrec::host {

TaskExamples::TaskExamples(std::vector<WeightedTask> tasks, const Dataset& data,
                           const PromptCompiler& compiler)
    : tasks_(std::move(tasks)), data_(data), compiler_(compiler) {
  for (const WeightedTask& task : tasks_) names_.push_back(task.name);
}

int64_t TaskExamples::rows(const WeightedTask& task, Split split) const {
  const int64_t once = task.task->size(split);
  if (split != Split::train || once == 0) return once;
  return std::max<int64_t>(1, std::llround(task.repeat * static_cast<double>(once)));
}

int64_t TaskExamples::size(Split split) const {
  int64_t total = 0;
  for (const WeightedTask& task : tasks_) total += rows(task, split);
  return total;
}

// An epoch goes on where the one before it ended, so that all rows have their turn.
TaskExamples::Place TaskExamples::place(Split split, int64_t index, int64_t epoch) const {
  for (size_t t = 0; t < tasks_.size(); ++t) {
    const int64_t count = rows(tasks_[t], split);
    if (index < count) {
      const int64_t once = tasks_[t].task->size(split);
      const int64_t given = epoch * count + index;
      return {t, given % once, static_cast<uint64_t>(given / once)};
    }
    index -= count;
  }
  throw Error("the tasks have no row ", index, " of the ", name(split), " split");
}

CompiledExample TaskExamples::at(Split split, int64_t index, int64_t epoch) const {
  const Place at = place(split, index, epoch);
  CompiledExample compiled = compiler_.compile(tasks_[at.task].task->at(split, at.row, at.draw));
  compiled.task = static_cast<int32_t>(at.task);
  compiled.weight *= tasks_[at.task].weight;
  return compiled;
}

int64_t TaskExamples::group(Split split, int64_t index, int64_t epoch) const {
  const Place at = place(split, index, epoch);
  const int64_t sample = tasks_[at.task].task->at(split, at.row, 0).sample;
  // Users are not negative, so rows without one never share their group.
  return sample >= 0 ? data_.split(split).user(sample) : -1 - index;
}

const std::vector<int32_t>& TaskExamples::suffix(int32_t task) const {
  return compiler_.suffix(tasks_[static_cast<size_t>(task)].task->form());
}

}  // namespace tsrec::host
