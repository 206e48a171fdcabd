// A table of results as LaTeX, to be pasted into a paper.
#pragma once

#include "report/results_table.hpp"

namespace tsrec::host {

// A table environment that needs the package booktabs and nothing else: the best value of a column
// bold, the second underlined, daggers where a test found a difference, and notes that say which.
TSREC_HOST_API std::string latex_of(const ResultsTable& table);

// Text as LaTeX prints it, whatever it holds; control characters become blanks.
TSREC_HOST_API std::string latex_escaped(const std::string& text);

}  // namespace tsrec::host
