// Text that the tokenizer can rely on: valid UTF-8.
#pragma once

#include <string>
#include <string_view>

namespace tsrec::text {

// Every maximal ill-formed part becomes one U+FFFD (Unicode standard, section 3.9; as Python does).
std::string valid_utf8(std::string_view bytes);
bool is_valid_utf8(std::string_view bytes);

}  // namespace tsrec::text
