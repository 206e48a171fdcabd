// Reports as CSV: one number a line.
#pragma once

#include "report/matrix_report.hpp"
#include "report/run_report.hpp"

namespace tsrec::host {

TSREC_HOST_API std::string csv_of(const RunReport& report);
TSREC_HOST_API std::string csv_of(const MatrixReport& report);
// Of several runs, with the intervals: run,of,number,value,low,high.
TSREC_HOST_API std::string csv_of(const std::vector<RunReport>& runs);
// Points of the curves, seed by seed.
std::string curves_csv_of(const MatrixReport& report);

}  // namespace tsrec::host
