// Examples of a step and of a validation, out of a stage's tasks.
#pragma once

#include "tsrec/context.hpp"
#include "tsrec/evaluation.hpp"
#include "tsrec/options.hpp"
#include "tsrec/prompt.hpp"

namespace tsrec::train {

// Compiled on all threads, in the order of the rows.
TSREC_API std::vector<CompiledExample> examples_at(const ExampleSet& examples, Split split,
                                                   std::span<const int64_t> rows, int64_t epoch);
// Writes down what the prompts of the rollouts ask about, as rewards want to know it: targets and
// rows. rows: the split that the examples are of.
TSREC_API void describe_prompts(Rollouts& rollouts, std::span<const CompiledExample> examples,
                                const Samples& rows);
// For trainers that go without validation where there is nothing to validate on.
TSREC_API void warn_of_no_validation(const ExampleSet& examples, Context& context);
// The rows of the valid split to validate on: that many, evenly spaced (0: all). Throws DataError
// when there are none.
TSREC_API std::vector<int64_t> validation_rows(const ExampleSet& examples, int64_t wanted);
// The option "valid_rows" that says how many; rows: as help calls them.
TSREC_API void declare_valid_rows(Options& options, int64_t& wanted,
                                  std::string_view rows = "rows");

}  // namespace tsrec::train
