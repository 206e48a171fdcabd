#include "tsrec/text/words.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "text/unicode.hpp"

namespace tsrec::text {
namespace {

bool is_ascii_letter_or_digit(char c) {
  const char small = static_cast<char>(c | 0x20);
  return (c >= '0' && c <= '9') || (small >= 'a' && small <= 'z');
}

char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::vector<Word> ascii_words(std::string_view text) {
  std::vector<Word> words;
  for (size_t at = 0; at < text.size();) {
    if (!is_ascii_letter_or_digit(text[at])) {
      ++at;
      continue;
    }
    std::string& word = words.emplace_back().text;
    for (; at < text.size() && is_ascii_letter_or_digit(text[at]); ++at)
      word += ascii_lower(text[at]);
  }
  return words;
}

// Scripts without blanks between words; Chinese and Japanese writing mixes its scripts in a word.
enum class Script : uint8_t { with_blanks, chinese, thai, lao, myanmar, khmer, tai };

struct Letters {
  char32_t first, last;
  Script script;
};
// From Scripts.txt of Unicode 15, without digits and punctuation.
constexpr std::array<Letters, 33> kWithoutBlanks = {{
    {0x0E01, 0x0E4F, Script::thai},      {0x0E81, 0x0ECF, Script::lao},
    {0x0EDC, 0x0EDF, Script::lao},       {0x1000, 0x103F, Script::myanmar},
    {0x1050, 0x108F, Script::myanmar},   {0x109A, 0x109F, Script::myanmar},
    {0x1780, 0x17D3, Script::khmer},     {0x17D7, 0x17D7, Script::khmer},
    {0x17DC, 0x17DD, Script::khmer},     {0x1950, 0x1974, Script::tai},
    {0x1980, 0x19C9, Script::tai},       {0x1A20, 0x1A7F, Script::tai},
    {0x1AA7, 0x1AA7, Script::tai},       {0x2E80, 0x2FD5, Script::chinese},
    {0x3005, 0x3007, Script::chinese},   {0x3021, 0x302F, Script::chinese},
    {0x3031, 0x303C, Script::chinese},   {0x3041, 0x309F, Script::chinese},
    {0x30A1, 0x30FA, Script::chinese},   {0x30FC, 0x312F, Script::chinese},
    {0x31A0, 0x31BF, Script::chinese},   {0x31F0, 0x31FF, Script::chinese},
    {0x3400, 0x4DBF, Script::chinese},   {0x4E00, 0x9FFF, Script::chinese},
    {0xA9E0, 0xA9EF, Script::myanmar},   {0xA9FA, 0xA9FE, Script::myanmar},
    {0xAA60, 0xAA7F, Script::myanmar},   {0xAA80, 0xAADF, Script::tai},
    {0xF900, 0xFAFF, Script::chinese},   {0x16FE2, 0x16FF1, Script::chinese},
    {0x1AFF0, 0x1B16F, Script::chinese}, {0x1F200, 0x1F200, Script::chinese},
    {0x20000, 0x3FFFF, Script::chinese},
}};

Script script_of(char32_t code) {
  const auto* behind = std::upper_bound(
      kWithoutBlanks.begin(), kWithoutBlanks.end(), code,
      [](char32_t wanted, const Letters& letters) { return wanted < letters.first; });
  if (behind == kWithoutBlanks.begin()) return Script::with_blanks;
  const Letters& letters = *(behind - 1);
  return code <= letters.last ? letters.script : Script::with_blanks;
}

// Signs whose compatibility form would become a part of the word before them: TM and SM.
bool is_mark_of_trade(char32_t code) { return code == 0x2120 || code == 0x2122; }

// One half as a character: its compatibility form begins with a digit.
bool is_fraction(char32_t code) {
  return (code >= 0xBC && code <= 0xBE) || (code >= 0x2150 && code <= 0x215F) || code == 0x2189;
}

// Drawn by nobody, but a place where a word may end.
bool is_invisible_blank(char32_t code) { return code == 0x200B; }

// One spelling for all ways to write the same word. Blanks stand where normalising would join what
// is apart.
std::string one_spelling(std::string_view text) {
  std::string apart;
  apart.reserve(text.size());
  each_valid_character(text, [&](char32_t code, std::string_view bytes) {
    const bool separates = bytes.empty() || is_mark_of_trade(code) || is_invisible_blank(code);
    if (separates || is_fraction(code)) apart += ' ';
    if (!separates) apart += bytes;
  });
  return compatibility_folded(apart);
}

// Collects runs of one script, and cuts those that have no blanks.
class Runs {
 public:
  void add(char32_t code, std::string_view bytes) {
    if (is_mark(code)) {
      if (!starts_.empty()) run_ += bytes;  // a mark upon nothing is nothing
    } else if (is_letter(code) || is_number(code)) {
      const Script script = script_of(code);
      if (script != script_) close();
      script_ = script;
      starts_.push_back(run_.size());
      run_ += bytes;
    } else {
      close();
    }
  }

  std::vector<Word> words() {
    close();
    return std::move(words_);
  }

 private:
  void close() {
    if (script_ == Script::with_blanks || starts_.size() < 2) {
      if (!run_.empty()) words_.push_back({run_});
    } else {
      starts_.push_back(run_.size());
      for (size_t c = 0; c + 2 < starts_.size(); ++c)
        words_.push_back({run_.substr(starts_[c], starts_[c + 2] - starts_[c]), c > 0});
    }
    run_.clear();
    starts_.clear();
  }

  Script script_ = Script::with_blanks;
  std::string run_;
  std::vector<size_t> starts_;  // of the characters with their marks, in bytes of run_
  std::vector<Word> words_;
};

}  // namespace

std::vector<Word> words_of(std::string_view text) {
  if (is_ascii(text)) return ascii_words(text);
  Runs runs;
  each_character(one_spelling(text),
                 [&](char32_t code, std::string_view bytes) { runs.add(code, bytes); });
  return runs.words();
}

std::string joined(const Word& before, const Word& word) {
  if (!word.overlaps) return before.text + ' ' + word.text;
  size_t shared = character_at(word.text, 0).length;
  while (shared < word.text.size()) {
    const Character next = character_at(word.text, shared);
    if (!is_mark(next.code)) break;
    shared += next.length;
  }
  return before.text + word.text.substr(shared);
}

std::string_view head_of(std::string_view text, int64_t max_characters) {
  size_t end = 0, last_word = 0;
  for (int64_t characters = 0; end < text.size(); ++characters) {
    const size_t length = valid_length(text, end);
    const char32_t code = length > 0 ? character_at(text, end).code : U'\uFFFD';
    const bool is_within = characters < max_characters;
    const bool ends_word =
        (code == ' ' && is_within) || (script_of(code) != Script::with_blanks && !is_mark(code));
    if (ends_word) last_word = end;
    if (!is_within) return text.substr(0, last_word > 0 ? last_word : end);
    end += std::max<size_t>(length, 1);
  }
  return text;
}

bool is_number(std::string_view word) {
  bool has_others = false;
  each_character(
      word, [&](char32_t code, std::string_view) { has_others = has_others || !is_number(code); });
  return !has_others;
}

}  // namespace tsrec::text
