// A trainer improves the backbone step by step; the host drives, checkpoints and resumes it.
#pragma once

#include "tsrec/nn/trainable_model.hpp"
#include "tsrec/parts/earlier_stages.hpp"
#include "tsrec/parts/stepwise.hpp"
#include "tsrec/prompt.hpp"
#include "tsrec/trie.hpp"

namespace tsrec {

struct TrainInputs {
  nn::TrainableModel& policy;
  const ExampleSet& examples;
  const ExampleSet&
      validation;  // the tasks that validate() uses (next_item unless the stage says otherwise)
  const SidTable& sids;
  const Trie& trie;
  const Dataset& data;                  // its test split is empty
  const std::vector<TokenNote>& notes;  // empty without an extractor
  EarlierStages earlier = {};           // as far as the trainer, or a part that it owns, asks
};
class TSREC_API Trainer : public Part, public Stepwise {
 public:
  static constexpr const char* kKind = "trainer";
  static constexpr int kContract = 1;
  static constexpr const char* kNeeds = "backbone";
  // A trainer that looks for items in the model's answers says true: then a stage whose tasks, or
  // tasks of validation, answer otherwise is refused before anything runs.
  static constexpr bool kNeedsItemAnswers = false;
  ~Trainer() override;
  // As soon as there are SIDs, before anything of the experiment is trained: a ConfigError where
  // the options cannot work with these. Nothing, by default.
  virtual void check_sids(const SidTable& sids) const;
  // Once, before the first step; inputs outlive the trainer. parameters() are the policy's, as far
  // as they train.
  virtual void start(const TrainInputs& inputs, Context& context) = 0;
};

}  // namespace tsrec
