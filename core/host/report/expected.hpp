// What a run's numbers are checked against: expected.toml beside the experiment.
#pragma once

#include "report/run_report.hpp"

namespace tsrec::host {

// [numbers] "sft.item.hr@10" = { value = 0.12, tolerance = 0.01 }. Returns one sentence per number
// that is outside.
TSREC_HOST_API std::vector<std::string> check_expected(const std::filesystem::path& expected,
                                                       const RunReport& report);

}  // namespace tsrec::host
