// Several runs beside each other: the cells and seeds of a comparison, or runs that were named.
#pragma once

#include "report/matrix_report.hpp"
#include "report/page/sections.hpp"

namespace tsrec::host {

// Whether all that it evaluates is stored.
bool is_measured(const std::vector<StageResult>& stages);

// The runs that can be compared, compared; none where there are no such. Every run has a cell. Of
// cells those are compared that have finished some seed, under the seeds that all of them have; and
// tests are made only where all runs were measured on the same rows. notes: gets a sentence for
// whatever was left out.
std::optional<MatrixReport> compared_runs(const CompareSettings& settings,
                                          const std::vector<PageRun>& runs,
                                          std::vector<std::string>& notes);
// {"against", "cells", "numbers": [{"name", "better"}], "rows": [{"label", "cell", "of",
// "is_model", "numbers": [{"mean", "deviation", "count"} or null]}], "differences": [{"cell",
// "number"} and what json_of(TestedDifference) has], "trained": [the same with "after" and
// "before"], "alarms", "notes": [sentences]}. notes: that stand before those of compared_runs().
TSREC_HOST_API nlohmann::ordered_json page_comparison_json(const CompareSettings& settings,
                                                           const std::vector<PageRun>& runs,
                                                           std::vector<std::string> notes = {});

}  // namespace tsrec::host
