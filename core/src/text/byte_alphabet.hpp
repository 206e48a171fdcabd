// The printable spelling of bytes in vocab.json and merges.txt (Radford et al. 2019, GPT-2):
// printable Latin-1 characters stand for themselves, the other 68 bytes for U+0100, U+0101, ... in
// their order.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tsrec::text {

class ByteAlphabet {
 public:
  ByteAlphabet();
  std::string spell(std::string_view bytes) const;
  // The bytes that a spelling stands for; nothing if it has a character outside the alphabet.
  std::optional<std::string> bytes_of(std::string_view spelling) const;
  // All bytes by the code of their character: the order of the first 256 ids.
  std::vector<std::string> in_order() const;

 private:
  std::array<char32_t, 256> character_of_{};
  std::array<int, 0x144> byte_of_{};  // by character, -1: none; U+0143 is the last one used
};

}  // namespace tsrec::text
