// Several runs beside each other: the cells and seeds of a comparison, or runs that were named.
#pragma once

#include "report/matrix_report.hpp"
#include "report/page/sections.hpp"

namespace tsrec::host {

// {"against", "cells", "numbers": [{"name", "better"}], "rows": [{"label", "cell", "of",
// "is_model", "numbers": [{"mean", "deviation", "count"} or null]}], "differences": [{"cell",
// "number", "difference", "interval", "p"}], "alarms", "trainings", "notes": [sentences]}. Every
// run has a cell. Only seeds that all cells have finished are compared, and tests are made only
// where all runs were measured on the same rows; the notes say what was left out.
// The runs that can be compared, compared; none where there are no such. notes: gets a sentence for
// whatever was left out.
std::optional<MatrixReport> compared_runs(const CompareSettings& settings,
                                          const std::vector<PageRun>& runs,
                                          nlohmann::ordered_json& notes);
TSREC_HOST_API nlohmann::ordered_json page_comparison_json(const CompareSettings& settings,
                                                           const std::vector<PageRun>& runs);

}  // namespace tsrec::host
