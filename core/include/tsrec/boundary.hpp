// What crosses from a part to its caller, looked at: type, shape, range, finiteness, length.
//
// The host asks these functions at every call of every run, the rules of conformance ask the same
// ones, and so an author is told the same sentence in both places: what the method gave, and what
// was expected. Each throws BrokenPart. None costs more than one pass over what it looks at.
#pragma once

#include "tsrec/parts/initializer.hpp"
#include "tsrec/parts/quantizer.hpp"
#include "tsrec/parts/stepwise.hpp"
#include "tsrec/parts/task.hpp"

namespace tsrec::boundary {

// "float32 [119, 3]", with the device where it is not the CPU; "nothing" when undefined.
TSREC_API std::string described(const torch::Tensor& x);

// --- any kind
// No option is declared twice, and every default lies in the range of its own option.
TSREC_API void check_options(const Options& options);
// x is finite float32 of this shape on the CPU. method: "decode()"; meaning: "a vector for each
// row".
TSREC_API void check_floats(const torch::Tensor& x, at::IntArrayRef shape, const char* method,
                            const char* meaning);
// Every number has a name, and no two of them the same.
TSREC_API void check_names(const Numbers& numbers, const char* method);

// Tensors on the CPU that a part is given and must leave as they are. Tensors elsewhere are not
// looked at.
class TSREC_API Untouched {
 public:
  explicit Untouched(std::vector<torch::Tensor> given);  // shares their memory
  // what: "the vectors it is given"
  void check(const char* method, const char* what) const;

 private:
  std::vector<torch::Tensor> given_;
  uint64_t digest_;
};
TSREC_API Untouched untouched(const Rollouts& rollouts);
TSREC_API Untouched untouched(const Rankings& rankings);

// --- source
// The rows of all splits.
TSREC_API void check_dataset(const Dataset& data);
TSREC_API void check_samples(const Samples& samples, Split split, int64_t num_items);
// A row of codes for every item, each inside its size, none behind the end of a SID, and no SID the
// beginning of another.
TSREC_API void check_sids(const SidTable& sids, int64_t num_items, const char* method);

// --- encoder
TSREC_API void check_vectors(const torch::Tensor& x_ND, int64_t num_items);

// --- quantizer
TSREC_API void check_sizes(const std::vector<int64_t>& sizes);
TSREC_API void check_codes(const torch::Tensor& code_NL, const std::vector<int64_t>& sizes,
                           int64_t num_rows);
TSREC_API void check_decoded(const torch::Tensor& x_ND, int64_t num_rows);
// size: of the level.
TSREC_API void check_distances(const torch::Tensor& distance_NK, int64_t num_rows, int64_t size);
// Asks for the codes of a few of the rows twice.
TSREC_API void check_pure(const Quantizer& quantizer, const torch::Tensor& x_ND);

// --- resolver
// No two items share a SID whose codes differed before.
TSREC_API void check_collisions(const SidTable& sids, const torch::Tensor& code_NL);

// --- extractor
TSREC_API void check_notes(const std::vector<TokenNote>& notes,
                           const std::vector<TokenCluster>& clusters);

// --- backbone
// Once it is prepared or loaded: tokenizer, embedding and head fit together.
TSREC_API void check_model(const Backbone& backbone, const char* method);
// first: the tokenizer's size before.
TSREC_API void check_extended(const Backbone& backbone, int64_t first,
                              const std::vector<std::string>& tokens);

// --- initializer
TSREC_API void check_rows(const NewRows& rows, const VocabularyRows& known, int64_t num_tokens);

// --- task
TSREC_API void check_size(int64_t size, Split split);
// What the examples of a task may name, kept so that a look at one compares numbers only.
class TSREC_API ExampleBounds {
 public:
  ExampleBounds(const Task& task, const TaskInputs& inputs);  // of a task that is prepared
  void check(const Example& example, Split split, int64_t index) const;

 private:
  std::string form_;
  bool answers_with_item_;
  int64_t num_items_;
  std::array<int64_t, 3> num_rows_;
  std::vector<int64_t> sizes_;
};

// --- whatever is done in steps; validated() looks at the numbers of validate()
TSREC_API void check_num_steps(int64_t num_steps);
TSREC_API void check_validate_every(int64_t steps);
TSREC_API void check_patience(int64_t validations);
TSREC_API void check_parameters(const std::vector<nn::Parameter>& parameters);

// --- observer
// Of look(): none, or one that says something.
TSREC_API void check_reason(const std::optional<std::string>& reason);

// --- reward
TSREC_API void check_scores(const torch::Tensor& score_BG, const Rollouts& rollouts);

// --- recommender
TSREC_API void check_rankings(const Rankings& rankings, int64_t num_rows, int64_t num_candidates,
                              int64_t num_items);

// --- metric
// num_rows: of the evaluation; none where the metric asks the model itself, whose numbers are of no
// row.
TSREC_API void check_numbers(const Numbers& numbers, std::optional<int64_t> num_rows,
                             const char* method);

}  // namespace tsrec::boundary
