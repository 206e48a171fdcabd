// Cuts a text at the matches of a pattern, and says what becomes of the matches.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "text/regex.hpp"
#include "text/step.hpp"

namespace tsrec::text {

// What becomes of a match: dropped, a piece of its own, part of its neighbour; contiguous: one
// piece with the matches beside it.
enum class Behavior : uint8_t {
  removed,
  isolated,
  merged_with_previous,
  merged_with_next,
  contiguous
};
Behavior read_behavior(const Step& step, const std::string& otherwise);

using OnMatch = std::function<void(size_t begin, size_t end)>;
using FindMatches = std::function<void(std::string_view text, const OnMatch& on_match)>;
using OnPiece = std::function<void(std::string_view piece)>;

// Every character of a kind is a match by itself.
FindMatches characters_that(bool (*is_of_kind)(char32_t code));
FindMatches matches_of(const std::string& regex);  // throws DataError
// From left to right, none over another; of nothing there are none.
FindMatches occurrences_of(std::string literal);
// The matches of {"String": ...} or {"Regex": ...}.
FindMatches read_pattern(const Step& step);

std::string replaced(std::string_view text, const FindMatches& matches, std::string_view by);

// Calls on_piece with the pieces that are not empty, from left to right. inverted: what lies
// between the matches counts as matches, and the matches as what lies between.
void split(std::string_view text, const FindMatches& matches, Behavior behavior, bool inverted,
           const OnPiece& on_piece);

}  // namespace tsrec::text
