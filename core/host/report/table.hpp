// Tables in Markdown, aligned so that they read well on a terminal too.
#pragma once

#include <string>
#include <vector>

namespace tsrec::host {

std::string fixed(double value, int digits = 4);
std::string signed_fixed(double value, int digits = 4);  // with its sign, also when positive
// Rows of equal length; the first is the header.
std::string table_text(const std::vector<std::vector<std::string>>& rows);

}  // namespace tsrec::host
