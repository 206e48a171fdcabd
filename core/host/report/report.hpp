// What a run says at its end: floors and stages side by side, with intervals, and the check against
// expected.toml.
#pragma once

#include "pipeline/pipeline.hpp"

namespace tsrec::host {

// Prints the table and writes numbers.json, results.md and results.csv into the run's folder.
// Returns the text.
TSREC_HOST_API std::string report_run(const Experiment& experiment,
                                      const std::vector<StageResult>& results,
                                      const std::filesystem::path& run_folder);

// [numbers] "sft.item.hr@10" = { value = 0.12, tolerance = 0.01 }. Returns one sentence per number
// that is outside.
TSREC_HOST_API std::vector<std::string> check_expected(const std::filesystem::path& expected,
                                                       const std::vector<StageResult>& results);

// Runs side by side, from their numbers.json; differences to the first.
TSREC_HOST_API std::string compare_runs(const std::vector<std::filesystem::path>& folders);

}  // namespace tsrec::host
