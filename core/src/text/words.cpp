#include "tsrec/text/words.hpp"

namespace tsrec::text {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  bool is_inside = false;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_letter = byte >= 0x80 || std::isalnum(byte) != 0;
    if (is_letter) {
      if (!is_inside) words.emplace_back();
      words.back() += static_cast<char>(byte < 0x80 ? std::tolower(byte) : byte);
    }
    is_inside = is_letter;
  }
  return words;
}

}  // namespace tsrec::text
