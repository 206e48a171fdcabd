// What `tsrec report` makes for a paper, beside its page: tables as text and figures as files.
#pragma once

#include <optional>

#include "commands/commands.hpp"
#include "report/matrix_report.hpp"
#include "report/run_report.hpp"

namespace tsrec::host {

// Whether a flag asks for one of these; where none does, the page is what is wanted.
bool asks_for_files(const Arguments& arguments);
// Tables that are given no file go to standard output. runs: named apart. comparison: of its cells,
// where the runs are those.
void write_report_files(const Arguments& arguments, const std::vector<RunReport>& runs,
                        const std::optional<MatrixReport>& comparison, const std::string& title);

}  // namespace tsrec::host
