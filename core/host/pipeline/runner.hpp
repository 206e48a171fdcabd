// Runs the stages that are not stored yet, and says why.
#pragma once

#include "pipeline/pipeline.hpp"
#include "pipeline/store.hpp"
#include "pipeline/trackers.hpp"

namespace tsrec::host {

// The canonical text whose SHA-256 is the stage's key: what its options and settings are, what the
// files hold that they name, and what its inputs hold. input_digests: in the order of stage.inputs.
TSREC_HOST_API std::string key_text(const Stage& stage, const RunSettings& run,
                                    const std::vector<std::string>& input_digests,
                                    const Store& store);

// The run's, with the stage's own seed where it has one.
TSREC_HOST_API RunSettings settings_of(const Stage& stage, const RunSettings& run);

// Makes one stage's artefact: fills digest, seconds and counters, or throws. done: the stages
// before.
using MakeStage = std::function<void(const Stage& stage, const std::vector<StageResult>& done,
                                     StageResult& result)>;
// In this process; the trackers hear its numbers while they come.
TSREC_HOST_API MakeStage made_here(const Experiment& experiment, const Store& store,
                                   Trackers& trackers);

// What follows where another worker is making a stage.
enum class WhenHeld { wait, leave };
// It follows that the run ends here, to be begun again; the stages before are stored.
class TSREC_HOST_API HeldElsewhere final : public Error {
 public:
  using Error::Error;
  ~HeldElsewhere() override;
};

// In order; a stage whose input failed is not run. The trackers are told the numbers of stages that
// are stored already. Throws Interrupted after a tidy stop, and HeldElsewhere.
TSREC_HOST_API std::vector<StageResult> run_stages(const Experiment& experiment, const Store& store,
                                                   const MakeStage& make, Trackers& trackers,
                                                   WhenHeld when_held = WhenHeld::wait);
// Whatever came out of a stage, as a sentence. The text is copied: the exception may be of a type
// that only the plugin knows.
std::string reason_of(const std::exception_ptr& thrown);
// The same, with the part whose call it came out of, the method, and what is unusual about the
// part's options. Where no part was at work, none is named.
struct Failure {
  std::string why;
  bool is_bad_config = false;  // a ConfigError: the experiment is wrong
};
Failure failure_of(const std::exception_ptr& thrown);
// What failed in another process, which knows whose call it was.
class FailedElsewhere final : public Error {
 public:
  explicit FailedElsewhere(const Failure& failure) : Error(failure.why), failure_(failure) {}
  ~FailedElsewhere() override;
  const Failure& failure() const { return failure_; }

 private:
  Failure failure_;
};
// Only the stage of this name, whose inputs must be stored. Throws what the stage throws.
TSREC_HOST_API StageResult run_stage(const Experiment& experiment, const Store& store,
                                     const std::string& name);
// What would happen, without running anything.
TSREC_HOST_API std::vector<StageResult> plan_stages(const Experiment& experiment,
                                                    const Store& store);

}  // namespace tsrec::host
