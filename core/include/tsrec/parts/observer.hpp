// An observer looks at the training of a stage after every step, and may end it early.
//
// A tracker shows the numbers of a run and can change nothing; an observer decides by them, so it
// stands in the key of its stage, and its answers are a function of what it was given.
#pragma once

#include "tsrec/artifact.hpp"
#include "tsrec/evaluation.hpp"
#include "tsrec/nn/language_model.hpp"
#include "tsrec/plugin.hpp"
#include "tsrec/prompt.hpp"
#include "tsrec/trie.hpp"

namespace tsrec {

// The training that is looked at.
struct ObserverInputs {
  const nn::LanguageModel& policy;  // as it stands at every look; it must stay so
  const ExampleSet& validation;     // the tasks that the stage validates with
  const SidTable& sids;
  const Trie& trie;
  const Dataset& data;                  // its test split is empty
  const std::vector<TokenNote>& notes;  // empty without an extractor
  int64_t num_steps;                    // if nobody ends it
};

// What is known after a step.
struct TSREC_API TrainingStep {
  int64_t index = 0;          // of the step, from 0; index + 1 are done
  bool is_validated = false;  // a validation followed it
  // All that was said since the step before, in its order and named as its curve: "train.loss",
  // and of a validation "valid.loss". Values may be NaN or infinite.
  Numbers numbers = {};
  // The last one of this name; empty where none was said.
  std::optional<double> value(std::string_view name) const;
};

// After a kill it is made and started again, and load_state() gives it what it knew at the
// checkpoint: the answers must be those of a run that was not stopped. So no clocks, no hidden
// streams.
class TSREC_API Observer : public Part {
 public:
  static constexpr const char* kKind = "observer";
  static constexpr int kContract = 1;
  ~Observer() override;
  // Once, when the trainer has started and before the first look; inputs outlive the observer.
  virtual void start(const ObserverInputs& inputs, Context& context) = 0;
  // After every step, and after its validation if it has one. A reason, in one sentence, ends the
  // training: the model is validated once more if it was not, and the stage goes on as behind its
  // last step. The reason is logged, and stored with the stage. What it measures itself goes to
  // context.number(), under names of its own.
  virtual std::optional<std::string> look(const TrainingStep& step, Context& context) = 0;
  // All that later answers hang on.
  virtual void save_state(ArtifactWriter& writer) const = 0;
  virtual void load_state(const ArtifactReader& reader) = 0;
};

}  // namespace tsrec
