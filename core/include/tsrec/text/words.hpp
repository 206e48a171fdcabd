// Words of a text, as encoders and extractors count them.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::text {

struct Word {
  std::string text;
  bool overlaps = false;  // its first character is the last one of the word before
  bool operator==(const Word&) const = default;
};

// Runs of letters, digits and the marks upon them, in every script; whatever else there is
// separates. So "Wi-Fi" is wi fi, "don't" is don t, and "3.5mm" is 3 5mm. Words are spelled one
// way: full-width and other compatibility forms as plain ones (Unicode's NFKC, so that the sign for
// mm is mm), without case (full case folding: German sharp s is ss), and without characters that
// nobody sees, such as soft hyphens. Trade and service marks separate.
//
// Chinese, Japanese, Thai, Lao, Khmer, Burmese and the scripts of the Tai write no blanks between
// words. A run of such a script gives its pairs of neighbouring characters, each overlapping the
// one before; a run of one character gives that. A change of script ends a run, and marks belong to
// the character before them.
//
// Bytes that are no UTF-8 separate.
TSREC_API std::vector<Word> words_of(std::string_view text);

// Two neighbours as one term: "red lamp" with a blank; of words that overlap, what both spell.
TSREC_API std::string joined(const Word& before, const Word& word);

// The text, or where it is longer its first characters up to the end of their last whole word: that
// is where a blank is, or where a script that has none between words goes on. One word alone is cut
// where it is too long.
TSREC_API std::string_view head_of(std::string_view text, int64_t max_characters);

// Whether a word has no other characters than digits, of whatever script.
TSREC_API bool is_number(std::string_view word);

}  // namespace tsrec::text
