#include "text/split.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "text/unicode.hpp"

namespace tsrec::text {
namespace {

constexpr std::array<std::pair<const char*, Behavior>, 5> kBehaviors = {{
    {"removed", Behavior::removed},
    {"isolated", Behavior::isolated},
    {"mergedwithprevious", Behavior::merged_with_previous},
    {"mergedwithnext", Behavior::merged_with_next},
    {"contiguous", Behavior::contiguous},
}};

// A match, or what lies between two of them.
struct Section {
  size_t begin, end;
  bool is_match;
};

// Sections that follow each other and cover the text; on_section may get empty matches.
template <class OnSection>
void each_section(std::string_view text, const FindMatches& matches, bool inverted,
                  const OnSection& on_section) {
  size_t at = 0;
  matches(text, [&](size_t begin, size_t end) {
    if (at != begin) on_section(Section{at, begin, inverted});
    on_section(Section{begin, end, !inverted});
    at = end;
  });
  if (at != text.size()) on_section(Section{at, text.size(), inverted});
}

bool joins(const Section& before, const Section& section, Behavior behavior) {
  switch (behavior) {
    case Behavior::contiguous:
      return before.is_match == section.is_match;
    case Behavior::merged_with_previous:
      return section.is_match && !before.is_match;
    case Behavior::merged_with_next:
      return before.is_match && !section.is_match;
    default:
      return false;
  }
}

// From right to left for matches that go with what follows: of two that touch, the second one does.
std::vector<Section> joined(std::vector<Section> sections, Behavior behavior) {
  std::vector<Section> out;
  const bool from_right = behavior == Behavior::merged_with_next;
  if (from_right) std::reverse(sections.begin(), sections.end());
  bool previous_is_match = false;
  for (const Section& section : sections) {
    const Section previous{0, 0, previous_is_match};
    const bool joins_previous =
        from_right ? joins(section, previous, behavior) : joins(previous, section, behavior);
    if (joins_previous && !out.empty()) {
      out.back().begin = std::min(out.back().begin, section.begin);
      out.back().end = std::max(out.back().end, section.end);
    } else {
      out.push_back(section);
    }
    previous_is_match = section.is_match;
  }
  if (from_right) std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

Behavior read_behavior(const Step& step, const std::string& otherwise) {
  std::string name = step.text("behavior", otherwise), plain;
  for (const char c : name) {  // "MergedWithNext" in files, "merged_with_next" in Python
    if (c != '_') plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  for (const auto& [known, behavior] : kBehaviors) {
    if (plain == known) return behavior;
  }
  step.refuse("the behavior '" + name +
              "' is not known; expected Removed, Isolated, MergedWithPrevious, MergedWithNext or "
              "Contiguous");
}

FindMatches characters_that(bool (*is_of_kind)(char32_t)) {
  return [is_of_kind](std::string_view text, const OnMatch& on_match) {
    each_character(text, [&](char32_t code, std::string_view bytes) {
      const auto begin = static_cast<size_t>(bytes.data() - text.data());
      if (is_of_kind(code)) on_match(begin, begin + bytes.size());
    });
  };
}

FindMatches matches_of(const std::string& regex) {
  return [compiled = Regex(regex)](std::string_view text, const OnMatch& on_match) {
    compiled.each_match(text, on_match);
  };
}

FindMatches occurrences_of(std::string literal) {
  return [literal = std::move(literal)](std::string_view text, const OnMatch& on_match) {
    if (literal.empty()) return;
    for (size_t at = text.find(literal); at != std::string_view::npos;
         at = text.find(literal, at + literal.size()))
      on_match(at, at + literal.size());
  };
}

FindMatches read_pattern(const Step& step) {
  const nlohmann::json& pattern = step.field("pattern");
  const auto value = [&](const char* name) -> std::optional<std::string> {
    if (!pattern.is_object() || !pattern.contains(name) || !pattern.at(name).is_string())
      return std::nullopt;
    return pattern.at(name).get<std::string>();
  };
  if (const auto regex = value("Regex")) {
    try {
      return matches_of(*regex);
    } catch (const DataError& error) {
      step.refuse(error.what());
    }
  }
  const auto literal = value("String");
  if (!literal) step.refuse("its pattern is neither a String nor a Regex");
  return occurrences_of(*literal);
}

std::string replaced(std::string_view text, const FindMatches& matches, std::string_view by) {
  std::string out;
  size_t at = 0;
  matches(text, [&](size_t begin, size_t end) {
    out += text.substr(at, begin - at);
    out += by;
    at = end;
  });
  out += text.substr(at);
  return out;
}

void split(std::string_view text, const FindMatches& matches, Behavior behavior, bool inverted,
           const OnPiece& on_piece) {
  const auto give = [&](const Section& section) {
    if (section.end > section.begin)
      on_piece(text.substr(section.begin, section.end - section.begin));
  };
  if (behavior == Behavior::removed || behavior == Behavior::isolated) {
    each_section(text, matches, inverted, [&](const Section& section) {
      if (!section.is_match || behavior == Behavior::isolated) give(section);
    });
    return;
  }
  std::vector<Section> sections;
  each_section(text, matches, inverted, [&](const Section& s) { sections.push_back(s); });
  for (const Section& section : joined(std::move(sections), behavior)) give(section);
}

}  // namespace tsrec::text
