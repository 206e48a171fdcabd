// What a run's numbers are checked against: expected.toml beside the experiment.
#pragma once

#include "report/numbers_file.hpp"
#include "report/run_report.hpp"

namespace tsrec::host {

// [numbers] "sft.item.hr@10" = { value = 0.12, tolerance = 0.01 }. Returns one sentence per number
// that is outside.
TSREC_HOST_API std::vector<std::string> check_expected(const std::filesystem::path& expected,
                                                       const RunReport& report);
// Such a file of a run's own numbers, each to the four digits that a report prints.
TSREC_HOST_API std::string expected_of(const std::vector<StoredColumn>& columns);

}  // namespace tsrec::host
