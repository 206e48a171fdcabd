// Reports as Markdown.
#pragma once

#include "report/matrix_report.hpp"
#include "report/run_report.hpp"
#include "report/tune_report.hpp"

namespace tsrec::host {

TSREC_HOST_API std::string markdown_of(const RunReport& report);
TSREC_HOST_API std::string markdown_of(const MatrixReport& report);
TSREC_HOST_API std::string markdown_of(const TuneReport& report);  // with all trials

// The same without alarms, breakdowns and curves: the tables are aligned and read well on a
// terminal too.
std::string tables_of(const RunReport& report);
std::string tables_of(const MatrixReport& report);
std::string tables_of(const TuneReport& report);
// What became of every stage, and what it cost: no numbers of the models.
std::string stages_of(const RunReport& report);

}  // namespace tsrec::host
