#include "report/one_line.hpp"

namespace tsrec::host {

std::string one_line(std::string_view text, size_t most) {
  std::string line(text.substr(0, most));
  if (text.size() > most) {
    const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
    if (continues(text[most])) {
      while (!line.empty() && continues(line.back())) line.pop_back();
      if (!line.empty()) line.pop_back();
    }
    line += "...";
  }
  for (char& c : line) {
    if (c == '\n' || c == '\r' || c == '\t' || c == '|') c = ' ';
  }
  return line;
}

std::string shown_title(const Items& items, int64_t item, size_t most) {
  const std::string_view title = items.text("title", item);
  return one_line(title.empty() ? std::string_view(items.key(item)) : title, most);
}

}  // namespace tsrec::host
