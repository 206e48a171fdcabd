// How figures look: thin axes, a font without serifs, and colours that readers who see few of them
// can tell apart.
#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace tsrec::host::figures::style {

inline constexpr const char* kFont = "Helvetica, Arial, 'Liberation Sans', sans-serif";
inline constexpr double kFontSize = 11;
inline constexpr const char* kInk = "#222222";
inline constexpr const char* kPaper = "#ffffff";
inline constexpr const char* kGrid = "#e8e8e8";
inline constexpr const char* kFaint = "#c4c4c4";
inline constexpr const char* kThin = "0.75";  // of axes

// Okabe and Ito (2008), without their yellow, which paper swallows.
inline constexpr std::array<const char*, 7> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                        "#e69f00", "#56b4e9", "#555555"};
inline std::string colour(size_t index) { return kColours[index % kColours.size()]; }
// Of lines; where the colours begin again, lines are told apart by their dashes.
inline std::string dashes(size_t index) {
  static constexpr std::array<const char*, 4> kDashes = {"none", "5 2.5", "1.5 2", "7 2 1.5 2"};
  return kDashes[index / kColours.size() % kDashes.size()];
}

// About as wide as the text is printed: fonts differ.
inline double width_of(const std::string& text) {
  double places = 0;
  for (const char c : text) {
    const bool is_wide = (c >= 'A' && c <= 'Z') || c == '@' || c == 'm' || c == 'w';
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) places += is_wide ? 0.85 : 0.58;
  }
  return kFontSize * places;
}

}  // namespace tsrec::host::figures::style
