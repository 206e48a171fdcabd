#include "tsrec/train/examples.hpp"

#include <ATen/Parallel.h>

#include "tsrec/evenly_spaced.hpp"

namespace tsrec::train {

std::vector<CompiledExample> examples_at(const ExampleSet& examples, Split split,
                                         std::span<const int64_t> rows, int64_t epoch) {
  std::vector<CompiledExample> compiled(rows.size());
  at::parallel_for(0, static_cast<int64_t>(rows.size()), /*grain_size=*/64,
                   [&](int64_t begin, int64_t end) {
                     for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
                       compiled[i] = examples.at(split, rows[i], epoch);
                   });
  return compiled;
}

void describe_prompts(Rollouts& rollouts, std::span<const CompiledExample> examples,
                      const Samples& rows) {
  rollouts.target_B = torch::empty({static_cast<int64_t>(examples.size())}, torch::kInt64);
  int64_t* target = rollouts.target_B.mutable_data_ptr<int64_t>();
  SamplesBuilder asked;
  for (const CompiledExample& example : examples) {
    *target++ = example.target_item;
    if (example.sample < 0) {
      asked.add(/*user=*/-1, /*history=*/{}, example.target_item, /*time=*/0);
    } else {
      asked.add(rows.user(example.sample), rows.history(example.sample), example.target_item,
                rows.time_S[example.sample].item<int64_t>(), rows.history_times(example.sample));
    }
  }
  rollouts.samples = asked.build();
}

void warn_of_no_validation(const ExampleSet& examples, Context& context) {
  if (examples.size(Split::valid) > 0) return;
  context.log(Level::warning,
              "the valid split has no rows for the tasks of validation: nothing is validated, and "
              "the state of the last step is handed on");
}

std::vector<int64_t> validation_rows(const ExampleSet& examples, int64_t wanted) {
  const int64_t available = examples.size(Split::valid);
  if (available == 0)
    throw DataError("the validation tasks have no rows; the valid split is empty");
  return evenly_spaced(available, wanted);
}

void declare_valid_rows(Options& o, int64_t& wanted, std::string_view rows) {
  o.add("valid_rows", wanted)
      .at_least(0)
      .unit("rows")
      .help(c10::str("validate on that many evenly spaced ", rows, "; 0: on all"));
}

}  // namespace tsrec::train
