#include "report/table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace tsrec::host {

std::string fixed(double value, int digits) {
  std::array<char, 40> text;
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

std::string signed_fixed(double value, int digits) {
  return std::string(value < 0 ? "-" : "+") + fixed(std::abs(value), digits);
}

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> width(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  }
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < rows[r].size(); ++c) {
      const std::string blanks(width[c] - rows[r][c].size(), ' ');
      text += c == 0 ? "| " + rows[r][c] + blanks + " |" : " " + blanks + rows[r][c] + " |";
    }
    text += '\n';
    if (r > 0) continue;
    for (size_t c = 0; c < width.size(); ++c)
      text += (c == 0 ? "|-" : "-") + std::string(width[c], '-') + "-|";
    text += '\n';
  }
  return text;
}

}  // namespace tsrec::host
