#include "text/byte_spelling.hpp"

#include <charconv>

namespace tsrec::text {

std::string spelled_byte(char byte) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto value = static_cast<unsigned char>(byte);
  return std::string("<0x") + kDigits[value >> 4] + kDigits[value & 0xF] + '>';
}

std::optional<char> byte_of(std::string_view spelling) {
  if (spelling.size() != 6 || !spelling.starts_with("<0x") || !spelling.ends_with('>'))
    return std::nullopt;
  unsigned value = 0;
  const char* const begin = spelling.data() + 3;
  const auto read = std::from_chars(begin, begin + 2, value, 16);
  return read.ptr == begin + 2 ? std::optional(static_cast<char>(value)) : std::nullopt;
}

}  // namespace tsrec::text
