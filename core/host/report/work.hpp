// What the stages of a run cost, beside what the machine can do.
#pragma once

#include "pipeline/pipeline.hpp"

namespace tsrec::host {

// One line for each stage: state, seconds, rows, tokens a row, GFLOP, share of the roof, peak
// memory. Written to work.json in the folder as well. The roof is the best of those measured behind
// the long stages and of one measured now, and is measured only if a stage that ran counted FLOPs.
TSREC_HOST_API std::string report_work(const RunSettings& run,
                                       const std::vector<StageResult>& results,
                                       const std::filesystem::path& folder);

}  // namespace tsrec::host
