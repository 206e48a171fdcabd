// What `tsrec report` makes for a paper, beside its page: tables as text and figures as files.
#pragma once

#include <optional>

#include "commands/commands.hpp"
#include "report/matrix_report.hpp"
#include "report/run_report.hpp"

namespace tsrec::host {

// Whether a flag asks for one of these; where none does, the page is what is wanted.
bool asks_for_files(const Arguments& arguments);
struct ReportFiles {
  std::string title;
  std::vector<RunReport> runs;  // that were named; none of a comparison's folder
  std::optional<MatrixReport>
      comparison;                  // of several runs or of cells, where they can be compared
  std::vector<std::string> notes;  // what was left out of it
};
// Tables that are given no file go to standard output. Throws ConfigError where there is nothing to
// tell yet.
void write_report_files(const Arguments& arguments, const ReportFiles& files);

}  // namespace tsrec::host
