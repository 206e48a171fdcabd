#include "report/table.hpp"

#include <algorithm>

namespace tsrec::host {

namespace {

// Places on a screen: "±" is two bytes of UTF-8 and one place.
size_t places(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> width(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], places(row[c]));
  }
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < rows[r].size(); ++c) {
      const std::string blanks(width[c] - places(rows[r][c]), ' ');
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
