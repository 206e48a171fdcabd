// SentencePiece's map of characters (Kudo and Richardson, 2018): a double-array trie from short
// texts to what replaces them, as T5 and XLM-R have it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/step.hpp"

namespace tsrec::text {

class PrecompiledMap {
 public:
  // The step is refused where the bytes are no such map.
  static PrecompiledMap from_base64(const std::string& text, const Step& step);
  // User-perceived characters of up to five bytes are looked up whole, longer ones and unknown ones
  // character by character.
  std::string operator()(std::string_view text) const;

 private:
  std::optional<std::string_view> replacement(std::string_view part) const;

  std::vector<uint32_t> units_;
  std::string replacements_;  // each ends with a zero
};

}  // namespace tsrec::text
