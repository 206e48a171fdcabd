// Tables in Markdown, aligned so that they read well on a terminal too.
#pragma once

#include <string>
#include <vector>

namespace tsrec::host {

// Rows of equal length; the first is the header.
std::string table_text(const std::vector<std::vector<std::string>>& rows);

}  // namespace tsrec::host
