#include "text/regex.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "text/unicode.hpp"
#include "tsrec/error.hpp"

namespace tsrec::text {
namespace {

// The property White_Space. PCRE2's \s also takes U+180E, which is none for other engines.
constexpr std::string_view kWhiteSpace = R"(\t-\r\x{85}\p{Z})";
// Alphabetic, marks, decimal digits and connectors (UTS 18), and six numbers that Oniguruma counts
// as well. PCRE2's \w knows no marks.
constexpr std::string_view kWordCharacters =
    R"(\p{L}\p{M}\p{Nd}\p{Nl}\p{Pc}\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169})"
    R"(\x{1F170}-\x{1F189}\x{B2}\x{B3}\x{B9}\x{BC}-\x{BE})";
constexpr std::string_view kPunctuation = R"(\p{P}\p{S})";
constexpr std::string_view kDigits = R"(\p{Nd})";
constexpr std::string_view kHexDigits = "0-9a-fA-F";

// Goes over a pattern once and replaces what the two dialects read differently.
class Translation {
 public:
  explicit Translation(const std::string& pattern) : pattern_(pattern) {}

  std::string run() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\') {
        escape();
      } else if (in_class_) {
        inside_class(c);
      } else if (c == '[') {
        begin_class();
      } else if (pattern_.compare(at_, 2, "(?") == 0) {
        begin_group();
      } else if (c == '{') {
        count();
      } else {
        take(1);
      }
    }
    return out_;
  }

 private:
  char peek(size_t ahead) const {
    return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0';
  }
  void take(size_t count) {
    out_ += pattern_.substr(at_, count);
    at_ += count;
  }
  void replace(size_t count, const std::string& by) {
    out_ += by;
    at_ += count;
  }
  [[noreturn]] void refuse(const std::string& what) const {
    throw DataError("the regular expression '", pattern_, "' uses ", what, " at byte ", at_,
                    ", which is not supported");
  }

  void escape() {
    const auto set = [&](std::string_view members, bool negated) {
      if (!in_class_)
        replace(2, c10::str(negated ? "[^" : "[", members, "]"));
      else if (!negated)
        replace(2, std::string(members));
      else
        refuse("the complement of a set inside another set");
    };
    switch (peek(1)) {
      case 's':
        return set(kWhiteSpace, false);
      case 'S':
        if (in_class_) return replace(2, R"(\S\x{180E})");
        return set(kWhiteSpace, true);
      case 'w':
        return set(kWordCharacters, false);
      case 'W':
        return set(kWordCharacters, true);
      case 'h':
        return set(kHexDigits, false);
      case 'H':
        return set(kHexDigits, true);
      case 'b':
      case 'B':
        if (in_class_) return take(2);
        return replace(2, word_border(peek(1) == 'b'));
      case 'p':
      case 'P':
        return property();
      case 'u':
        return replace(6, "\\x{" + pattern_.substr(at_ + 2, 4) + "}");
      default:
        return take(length_of_escape());
    }
  }

  // \x{2581} ends with its brace.
  size_t length_of_escape() const { return peek(1) == 'x' && peek(2) == '{' ? braced_length() : 2; }
  size_t braced_length() const {
    return std::min(pattern_.find('}', at_), pattern_.size() - 1) + 1 - at_;
  }

  // To PCRE2 \p{Han} is whatever is written along with Han, such as brackets; \p{sc:Han} is Han.
  void property() {
    const size_t length = peek(2) == '{' ? braced_length() : 3;
    std::string name = pattern_.substr(at_, length);
    const size_t begin = peek(3) == '^' ? 4 : 3;
    constexpr size_t kLongestCategory = 2;  // \p{Lu}
    if (length > begin + kLongestCategory + 1) name.insert(begin, "sc:");
    replace(length, name);
  }

  static std::string word_border(bool is_border) {
    const std::string word = "[" + std::string(kWordCharacters) + "]", is = is_border ? "!" : "=",
                      is_not = is_border ? "=" : "!";
    return "(?:(?<=" + word + ")(?" + is + word + ")|(?<!" + word + ")(?" + is_not + word + "))";
  }

  void begin_class() {
    in_class_ = true;
    take(1);
    if (peek(0) == '^') take(1);
    if (peek(0) == ']') refuse("']' at the beginning of a set");
  }

  void inside_class(char c) {
    if (c == '[' && peek(1) == ':') return named_class();
    if (c == '[') refuse("a set inside a set");
    if (c == '&' && peek(1) == '&') refuse("an intersection of sets");
    if (c == ']') in_class_ = false;
    take(1);
  }

  void named_class() {
    for (const auto& [name, members] :
         {std::pair("[:punct:]", kPunctuation), std::pair("[:digit:]", kDigits),
          std::pair("[:space:]", kWhiteSpace)}) {
      const std::string_view text(name);
      if (pattern_.compare(at_, text.size(), text) == 0)
        return replace(text.size(), std::string(members));
    }
    refuse("a set with a name other than punct, digit and space");
  }

  // (?m: lets a dot match line breaks here, (?s: does there.
  void begin_group() {
    take(2);
    while (std::isalpha(static_cast<unsigned char>(peek(0))) != 0 || peek(0) == '-') {
      if (peek(0) == 'm')
        replace(1, "s");
      else
        take(1);
    }
  }

  void count() {
    const size_t end = pattern_.find('}', at_);
    if (end != std::string::npos && end + 1 < pattern_.size() && pattern_[end + 1] == '+')
      refuse("a count with a '+' behind it");
    if (peek(1) == ',') return replace(1, "{0");
    take(1);
  }

  const std::string& pattern_;
  std::string out_;
  size_t at_ = 0;
  bool in_class_ = false;
};

pcre2_code* compile(const std::string& pattern) {
  const std::string translated = in_pcre2(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  // Lines begin and end anywhere in the text, as in Oniguruma.
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &offset, nullptr);
  if (code == nullptr) {
    std::array<PCRE2_UCHAR, 256> reason{};
    pcre2_get_error_message(error, reason.data(), reason.size());
    throw DataError("the regular expression '", pattern,
                    "' is not supported: ", reinterpret_cast<const char*>(reason.data()));
  }
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // without a JIT the interpreter says the same
  return code;
}

}  // namespace

std::string in_pcre2(const std::string& pattern) { return Translation(pattern).run(); }

Regex::Regex(const std::string& pattern)
    : code_(compile(pattern), [](const void* code) {
        pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(code)));
      }) {}

void Regex::each_match(std::string_view text,
                       const std::function<void(size_t, size_t)>& on_match) const {
  const auto* code = static_cast<const pcre2_code*>(code_.get());
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> match(
      pcre2_match_data_create(1, nullptr), &pcre2_match_data_free);
  // Valid by contract; a check would read the whole text again for every match.
  const auto find = [&](size_t from, uint32_t options) {
    return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                       PCRE2_NO_UTF_CHECK | options, match.get(), nullptr);
  };
  size_t last_end = std::string_view::npos;
  for (size_t from = 0; from <= text.size();) {
    int count = find(from, 0);
    if (count == PCRE2_ERROR_JIT_STACKLIMIT) count = find(from, PCRE2_NO_JIT);
    if (count == PCRE2_ERROR_NOMATCH) return;
    if (count < 0)
      throw Error("PCRE2 cannot split a text of ", text.size(), " bytes: code ", count);
    const PCRE2_SIZE* const range = pcre2_get_ovector_pointer(match.get());
    const size_t begin = range[0], end = range[1];
    if (begin == end && end == last_end) {
      from += from < text.size() ? character_at(text, from).length : 1;
      continue;
    }
    on_match(begin, end);
    from = last_end = end;
  }
}

}  // namespace tsrec::text
