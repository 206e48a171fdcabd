// Unicode that the tokenizer can rely on: valid UTF-8, in normal form C.
#pragma once

#include <string>
#include <string_view>

namespace tsrec::text {

// Every maximal ill-formed part becomes one U+FFFD (Unicode standard, section 3.9; as Python does).
std::string valid_utf8(std::string_view bytes);
// Normal form C of valid UTF-8.
std::string nfc(std::string_view text);

}  // namespace tsrec::text
