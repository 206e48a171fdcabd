// Drives any part that is Stepwise, in whatever stage it stands: validation, the choice of the best
// state, early stopping, checkpoints, exact resume.
#pragma once

#include "pipeline/against_start.hpp"
#include "pipeline/observers.hpp"
#include "pipeline/pipeline.hpp"
#include "tsrec/parts/stepwise.hpp"

namespace tsrec::host {

struct DriveSettings {
  // validations that are no better before it stops; 0: never; none: the part's own
  std::optional<int64_t> patience = {};
  int64_t checkpoint_every = 0;  // steps; 0: at validations, and as time goes by
  // best: the state of the lowest validation loss; last; watched: of the best watched number; or of
  // the best number of this name. A watched or named number that more_numbers measures is measured
  // before the first step as well, where the part is compared with its start: then the start, too,
  // can be the best state, and watched takes another only where that is better by all its interval.
  std::string select = "best";
  std::string watch = "auto";  // which number is watched; see watched_number()
  // number of steps -> steps between validations (0: only at the end); empty: the part's own
  std::function<int64_t(int64_t)> validate_every = {};
  std::function<Numbers()> more_numbers = {};   // measured beside the part's own; may be empty
  std::vector<StartedObserver> observers = {};  // look on, and may end it
  std::optional<StartComparison> against_start = {};  // of more_numbers; none: nothing is compared
};

struct Driven {
  int64_t steps = 0;         // done
  std::string stopped = {};  // who ended it and why: an observer, or the alarm; "": nobody did
  std::optional<AgainstStart> against_start = {};
};

// All steps of a part whose entry was called; a part without steps is left as it is. Where the work
// folder holds a checkpoint, it goes on there. Throws Interrupted, with a checkpoint saved, when
// the context is stopping.
TSREC_HOST_API Driven drive_steps(StageRun& run, Part& part, const DriveSettings& settings = {});

// Whether the work folder of a stage holds a checkpoint to go on from.
TSREC_HOST_API bool has_checkpoint(const std::filesystem::path& work);

}  // namespace tsrec::host
