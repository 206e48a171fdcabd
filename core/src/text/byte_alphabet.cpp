#include "text/byte_alphabet.hpp"

namespace tsrec::text {
namespace {

bool is_printable(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

}  // namespace

ByteAlphabet::ByteAlphabet() {
  byte_of_.fill(-1);
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t character = is_printable(byte) ? static_cast<char32_t>(byte) : next++;
    character_of_[static_cast<size_t>(byte)] = character;
    byte_of_[character] = byte;
  }
}

std::string ByteAlphabet::spell(std::string_view bytes) const {
  std::string out;
  for (const char c : bytes) {
    const char32_t character = character_of_[static_cast<unsigned char>(c)];
    if (character < 0x80) {
      out += static_cast<char>(character);
    } else {  // all others are below U+0800: two bytes of UTF-8
      out += static_cast<char>(0xC0 | (character >> 6));
      out += static_cast<char>(0x80 | (character & 0x3F));
    }
  }
  return out;
}

std::optional<std::string> ByteAlphabet::bytes_of(std::string_view spelling) const {
  std::string out;
  for (size_t at = 0; at < spelling.size();) {
    const auto first = static_cast<unsigned char>(spelling[at++]);
    size_t character = first;
    if (first >= 0x80) {
      if ((first & 0xE0) != 0xC0 || at == spelling.size()) return std::nullopt;
      character = ((first & 0x1Fu) << 6) | (static_cast<unsigned char>(spelling[at++]) & 0x3Fu);
    }
    if (character >= byte_of_.size() || byte_of_[character] < 0) return std::nullopt;
    out += static_cast<char>(byte_of_[character]);
  }
  return out;
}

std::vector<std::string> ByteAlphabet::in_order() const {
  std::vector<std::string> bytes;
  for (const int byte : byte_of_) {
    if (byte >= 0) bytes.emplace_back(1, static_cast<char>(byte));
  }
  return bytes;
}

}  // namespace tsrec::text
