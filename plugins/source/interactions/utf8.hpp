// Bytes that were written as text, as the UTF-8 that they mean.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tsrec::interactions {

// Not too long, no surrogates, nothing beyond U+10FFFF.
bool is_utf8(std::string_view bytes);
// Of ISO-8859-1: every byte is the character of its number.
std::string from_latin1(std::string_view bytes);
// Halves of characters (surrogates), which somebody wrote as three bytes each, become U+FFFD;
// returns how many.
int64_t replace_surrogates(std::string& text);

}  // namespace tsrec::interactions
