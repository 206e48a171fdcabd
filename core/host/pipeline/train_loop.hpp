// Drives a trainer: validation, the choice of the best state, early stopping, checkpoints, exact
// resume.
#pragma once

#include "pipeline/pipeline.hpp"
#include "tsrec/parts/trainer.hpp"

namespace tsrec::host {

struct TrainLoopSettings {
  int64_t patience = 0;          // validations that are no better before it stops; 0: never
  int64_t checkpoint_every = 0;  // steps; 0: at validations only
  // best: the state of the lowest validation loss; last; or of the highest number of this name
  std::string select = "best";
  // number of steps -> steps between validations (0: only at the end)
  std::function<int64_t(int64_t)> validate_every;
  std::function<Numbers()> more_numbers;  // measured beside the trainer's own; may be empty
};

// start: calls trainer.start(), after a checkpoint's weights are in the policy. Returns the number
// of steps done. Throws Interrupted, with a checkpoint saved, when the context is stopping.
TSREC_HOST_API int64_t train_loop(StageRun& run, Trainer& trainer, Backbone& policy,
                                  const TrainLoopSettings& settings,
                                  const std::function<void()>& start);

}  // namespace tsrec::host
