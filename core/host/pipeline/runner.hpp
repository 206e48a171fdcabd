// Runs the stages that are not stored yet, and says why.
#pragma once

#include "pipeline/pipeline.hpp"
#include "pipeline/store.hpp"

namespace tsrec::host {

// The canonical text whose SHA-256 is the stage's key. input_digests: in the order of stage.inputs.
TSREC_HOST_API std::string key_text(const Stage& stage, const RunSettings& run,
                                    const std::vector<std::string>& input_digests);

// In order; a stage whose input failed is not run. Throws Interrupted after a tidy stop.
TSREC_HOST_API std::vector<StageResult> run_stages(const Experiment& experiment,
                                                   const Store& store);
// What would happen, without running anything.
TSREC_HOST_API std::vector<StageResult> plan_stages(const Experiment& experiment,
                                                    const Store& store);

}  // namespace tsrec::host
