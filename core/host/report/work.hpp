// What the stages of a run cost, beside what the machine can do.
#pragma once

#include "pipeline/pipeline.hpp"

namespace tsrec::host {

// FLOP/s of a large matrix product in the run's precision, on its device, with its threads: the
// best of a few, measured now, in a quarter of a second.
TSREC_HOST_API double measured_roof(const RunSettings& run);

// One line for each stage: state, seconds, rows, tokens a row, GFLOP, share of the roof, peak
// memory. Written to work.json in the folder as well. The roof is measured only if a stage that ran
// counted FLOPs.
TSREC_HOST_API std::string report_work(const RunSettings& run,
                                       const std::vector<StageResult>& results,
                                       const std::filesystem::path& folder);

}  // namespace tsrec::host
