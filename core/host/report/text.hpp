// Reports on a terminal: the tables, and what to beware of where it is read last.
#pragma once

#include "report/matrix_report.hpp"
#include "report/run_report.hpp"
#include "report/tune_report.hpp"

namespace tsrec::host {

TSREC_HOST_API std::string text_of(const RunReport& report);
TSREC_HOST_API std::string text_of(const MatrixReport& report);
TSREC_HOST_API std::string text_of(const TuneReport& report);

}  // namespace tsrec::host
