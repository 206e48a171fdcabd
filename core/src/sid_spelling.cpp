// One token a level, and how a format says what it looks like.
#include <charconv>

#include "tsrec/sid.hpp"

namespace tsrec {
namespace {

constexpr int64_t kMaxLevels = 26;  // one letter each

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::vector<std::string> words_of_format(const std::string& format) {
  std::istringstream in(format);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// A {placeholder} of a level's token.
struct Slot {
  size_t begin = std::string::npos, end = 0;
  std::string name;  // "code", "level:a"
};

[[noreturn]] void refuse(const std::string& format, const std::string& why) {
  throw ConfigError("the SID format \"", format, "\" ", why,
                    "; write for example \"<{level:a}_{code}>\" for <a_236><b_231>, or "
                    "\"<|sid_begin|> <s_{level:a}_{code}> <|sid_end|>\"");
}

Slot slot_behind(const std::string& word, size_t at, const std::string& format) {
  Slot slot;
  slot.begin = word.find('{', at);
  const size_t end = word.find('}', at);
  if (slot.begin == std::string::npos || end == std::string::npos || end < slot.begin)
    refuse(format, "needs a token with {level:a} and {code}");
  slot.end = end + 1;
  slot.name = word.substr(slot.begin + 1, end - slot.begin - 1);
  return slot;
}

char level_of(const std::string& name) {
  for (const char first : {'a', 'A', '0', '1'}) {
    if (name == std::string("level:") + first) return first;
  }
  return '\0';
}

std::string joined(const std::vector<std::string>& tokens) { return c10::Join("", tokens); }

// The number at the beginning of the text, as it is printed; -1: there is none.
int64_t take_number(std::string_view text, size_t& at) {
  size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  int64_t number = -1;
  const bool is_printed_so = end > at && (text[at] != '0' || end == at + 1);
  const auto [rest, error] = std::from_chars(text.data() + at, text.data() + end, number);
  if (!is_printed_so || error != std::errc()) return -1;
  at = end;
  return number;
}

}  // namespace

SidSpelling::SidSpelling(std::string format) : format_(std::move(format)) {
  std::string level_token;
  for (const std::string& word : words_of_format(format_)) {
    if (word.find('{') != std::string::npos || word.find('}') != std::string::npos) {
      if (!level_token.empty()) refuse(format_, "has two tokens with placeholders, not one");
      level_token = word;
    } else {
      (level_token.empty() ? before_ : behind_).push_back(word);
    }
  }
  const Slot first = slot_behind(level_token, 0, format_);
  const Slot second = slot_behind(level_token, first.end, format_);
  head_ = level_token.substr(0, first.begin);
  middle_ = level_token.substr(first.end, second.begin - first.end);
  tail_ = level_token.substr(second.end);
  level_is_first_ = second.name == "code";
  level_ = level_of(level_is_first_ ? first.name : second.name);
  const bool fits = level_ != '\0' && (level_is_first_ || first.name == "code");
  if (!fits || tail_.find_first_of("{}") != std::string::npos)
    refuse(format_,
           "needs one {code} and one of {level:a}, {level:A}, {level:0}, {level:1} in one token");
  // A number takes all digits that follow, so none may follow it.
  const bool level_is_number = is_digit(level_);
  const bool first_is_number = !level_is_first_ || level_is_number;
  const bool second_is_number = level_is_first_ || level_is_number;
  const auto runs_on = [](const std::string& text, bool number_is_next) {
    return text.empty() ? number_is_next : is_digit(text[0]);
  };
  if ((first_is_number && runs_on(middle_, second_is_number)) ||
      (second_is_number && runs_on(tail_ + head_, first_is_number)))
    refuse(format_, "has a number that runs into the one behind it");
}

std::string SidSpelling::token(int64_t level, int64_t code) const {
  if (level < 0 || level >= kMaxLevels)
    throw Error("a SID has at most ", kMaxLevels, " levels; got level ", level);
  const std::string place = is_digit(level_) ? std::to_string(level + (level_ - '0'))
                                             : std::string(1, static_cast<char>(level_ + level));
  const std::string number = std::to_string(code);
  return head_ + (level_is_first_ ? place : number) + middle_ + (level_is_first_ ? number : place) +
         tail_;
}

// How many bytes the token at the beginning of the text has; 0: there is none.
size_t SidSpelling::token_at_begin(std::string_view text, LevelCode& found) const {
  size_t at = 0;
  const auto take_literal = [&](const std::string& literal) {
    if (text.substr(at, literal.size()) != literal) return false;
    at += literal.size();
    return true;
  };
  const auto take_level = [&] {
    if (is_digit(level_)) {
      found.level = take_number(text, at) - (level_ - '0');
    } else {
      found.level = at < text.size() ? text[at] - level_ : -1;
      ++at;
    }
    return found.level >= 0 && found.level < kMaxLevels;
  };
  const auto take_code = [&] { return (found.code = take_number(text, at)) >= 0; };
  const bool fits = take_literal(head_) && (level_is_first_ ? take_level() : take_code()) &&
                    take_literal(middle_) && (level_is_first_ ? take_code() : take_level()) &&
                    take_literal(tail_);
  return fits ? at : 0;
}

LevelCode SidSpelling::parse(std::string_view token) const {
  LevelCode found;
  if (const size_t length = token_at_begin(token, found); length == 0 || length != token.size()) {
    throw DataError("'", std::string(token), "' is no SID token; expected one such as ",
                    this->token(0, 236), ", as the SID format \"", format_, "\" says");
  }
  return found;
}

std::vector<int64_t> SidSpelling::codes(std::span<const std::string> tokens) const {
  const auto expect = [&](size_t at, const std::string& expected) {
    if (at < tokens.size() && tokens[at] == expected) return;
    throw DataError("a SID has ", at < tokens.size() ? "'" + tokens[at] + "'" : "nothing",
                    " at place ", at + 1, " where the SID format \"", format_, "\" has '", expected,
                    "'");
  };
  for (size_t i = 0; i < before_.size(); ++i) expect(i, before_[i]);
  const size_t around = before_.size() + behind_.size();
  if (tokens.size() <= around)
    throw DataError("a SID has no tokens of levels; expected some such as ", token(0, 236));
  std::vector<int64_t> codes;
  for (const std::string& text : tokens.subspan(before_.size(), tokens.size() - around)) {
    const auto [level, code] = parse(text);
    const auto expected = static_cast<int64_t>(codes.size());
    if (level != expected)
      throw DataError("the token ", text, " is out of order; expected one such as ",
                      token(expected, code), " at level ", expected + 1);
    codes.push_back(code);
  }
  for (size_t i = 0; i < behind_.size(); ++i)
    expect(tokens.size() - behind_.size() + i, behind_[i]);
  return codes;
}

// Cut into tokens first, so that both ways of writing are read by one rule.
std::vector<int64_t> SidSpelling::codes(std::string_view sid) const {
  const std::string before = joined(before_), behind = joined(behind_);
  const bool is_framed = sid.size() >= before.size() + behind.size() && sid.starts_with(before) &&
                         sid.ends_with(behind);
  if (!is_framed)
    throw DataError("the SID '", std::string(sid), "' is not written as the SID format \"", format_,
                    "\" says");
  std::string_view rest = sid.substr(before.size(), sid.size() - before.size() - behind.size());
  std::vector<std::string> tokens = before_;
  while (!rest.empty()) {
    LevelCode found;
    const size_t length = token_at_begin(rest, found);
    tokens.emplace_back(rest.substr(0, length == 0 ? rest.size() : length));
    rest.remove_prefix(tokens.back().size());
  }
  tokens.insert(tokens.end(), behind_.begin(), behind_.end());
  return codes(tokens);
}

}  // namespace tsrec
