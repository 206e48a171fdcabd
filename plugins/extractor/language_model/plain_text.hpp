// Texts of items and of models on one line, and their characters.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::language_model {

// Single blanks for runs of white space and control characters of any script, none at the ends;
// U+FFFD for bytes that are no UTF-8.
std::string single_blanks(std::string_view text);

// Code points of UTF-8.
int64_t num_characters(std::string_view text);
// The text's first characters.
std::string_view first_characters(std::string_view text, int64_t count);

// Equal for texts that differ in case alone, in any script.
std::string folded(const std::string& text);

}  // namespace tsrec::language_model
