// A part whose long work is done in steps that the host drives, checkpoints and resumes.
#pragma once

#include "tsrec/artifact.hpp"
#include "tsrec/evaluation.hpp"
#include "tsrec/nn/parameter.hpp"
#include "tsrec/plugin.hpp"

namespace tsrec {

// Every Trainer is one; a Quantizer, a Backbone and a Recommender may be. The kind's own entry
// (start, fit, prepare) makes the part ready for its first step: its inputs outlive the steps. Then
// come the steps, and what the kind promises holds after finish().
class TSREC_API Stepwise {
 public:
  virtual ~Stepwise();
  // What the steps change, in a stable order and under distinct names. Checkpoints hold the values,
  // the best of them are kept, and both are put back in place.
  virtual std::vector<nn::Parameter> parameters() = 0;
  virtual int64_t num_steps() const = 0;  // 0: there is nothing to do
  // State after = f(state before, index, seed): no clocks, no hidden streams. After a resume the
  // host calls the entry, puts the values of the parameters back, calls load_state() and goes on at
  // the saved index: the result must be the same bytes as without the stop.
  virtual void step(int64_t index, Context& context) = 0;
  // On what is not trained on. The first number is "loss", finite, lower is better: the host
  // selects the best state and stops early. No numbers: nothing is selected, and the last state is
  // kept.
  virtual Numbers validate(Context& context);
  // Steps between validations where the stage's TOML gives no number; 0: only after the last one.
  virtual int64_t validate_every() const;
  // Validations in a row that are no better after which the training ends, where the stage's TOML
  // gives no number; 0: it never ends early.
  virtual int64_t patience() const;
  // Once, after the steps, with the selected state in the parameters. Not after an interruption.
  virtual void finish(Context& context);
  // All that the parameters do not hold: optimizer, reference model, averages, counters.
  virtual void save_state(ArtifactWriter& writer) const = 0;
  virtual void load_state(const ArtifactReader& reader) = 0;
};

// The part's steps; null when it has none.
TSREC_API Stepwise* steps_of(Part& part);

// Its numbers after `step` steps. An Error if the first one is not 'loss', or is not finite: it
// would select nothing, without a word.
TSREC_API Numbers validated(Stepwise& part, int64_t step, Context& context);

// All steps of a part whose entry was called, for callers outside of a run (tests, benchmarks,
// parts that own parts): the state of the lowest loss is kept, and nothing is written. Nothing
// happens to a part that is not Stepwise. Throws Interrupted when the context is stopping.
TSREC_API void run_steps(Part& part, Context& context);

}  // namespace tsrec
