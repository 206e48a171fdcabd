// A long fit that the host drives, checkpoints and resumes.
#pragma once

#include "tsrec/artifact.hpp"
#include "tsrec/context.hpp"
#include "tsrec/evaluation.hpp"

namespace tsrec {

class TSREC_API Stepwise {
 public:
  virtual ~Stepwise();
  virtual int64_t num_steps() const = 0;
  // State after = f(state before, index, seed): no clocks, no hidden streams. After a resume the
  // host calls load_state() and goes on at the saved index: the result must be the same bytes as
  // without the stop.
  virtual void step(int64_t index, Context& context) = 0;
  // On Split::valid. The first number is "loss" (lower is better); the host selects the best state
  // and stops early.
  virtual Numbers validate(Context& context) = 0;
  // All that the model's weights do not hold: optimizer, reference model, averages, counters.
  virtual void save_state(ArtifactWriter& writer) const = 0;
  virtual void load_state(const ArtifactReader& reader) = 0;
};

}  // namespace tsrec
