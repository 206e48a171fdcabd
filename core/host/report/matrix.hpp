// The table of a comparison: every cell with its seeds, what they differ in, and their curves.
#pragma once

#include "pipeline/pipeline.hpp"

namespace tsrec::host {

struct CellRun {
  std::string cell;
  int64_t seed = 0;
  std::vector<StageResult> results;
};

// Means over seeds with their standard deviation; differences to settings.against by a paired
// bootstrap over (seed, user), Holm-corrected over the table; curves as means over seeds. Writes
// results.md, results.csv and, when there are curves, curves.csv into the folder; returns the text.
TSREC_HOST_API std::string report_matrix(const CompareSettings& settings,
                                         const std::vector<CellRun>& runs, int64_t resamples,
                                         const std::filesystem::path& folder);

}  // namespace tsrec::host
