#include "led_answer.hpp"

#include <set>

#include "plain_text.hpp"

namespace tsrec::language_model {
namespace {

constexpr int64_t kRepeated = 3;
constexpr std::string_view kTurn = R"(, "keywords": [")";

// The place of the quote that closes a string of JSON, from its inside; npos while it is open.
size_t closing_quote(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at;
    }
  }
  return std::string_view::npos;
}

// From behind the quote that opens the first entry.
bool is_done_with(std::string_view list, int64_t max_keywords) {
  std::set<std::string> different;
  int64_t repeated = 0;  // in a row
  bool in_entry = true;
  while (!list.empty()) {
    if (!in_entry) {
      if (list.front() == ']' || list.front() == '}') return true;
      in_entry = list.front() == '"';
      list.remove_prefix(1);
      continue;
    }
    const size_t end = closing_quote(list);
    if (end == std::string_view::npos) return false;
    const bool is_new = different.insert(folded(single_blanks(list.substr(0, end)))).second;
    repeated = is_new ? 0 : repeated + 1;
    list.remove_prefix(end + 1);
    in_entry = false;
    if (std::ssize(different) >= max_keywords || repeated == kRepeated) return true;
  }
  return false;
}

}  // namespace

Lead lead(std::string_view text, int64_t tokens, int64_t description_tokens, int64_t max_keywords) {
  const size_t end = closing_quote(text);
  if (end == std::string_view::npos) {
    const bool ends_a_sentence = text.ends_with('.') && tokens >= description_tokens / 2;
    if (ends_a_sentence || tokens >= description_tokens)
      return {.is_done = false, .continue_with = '"' + std::string(kTurn)};
    return {};
  }
  const std::string_view behind = text.substr(end + 1);
  if (const size_t turn = behind.find(kTurn); turn != std::string_view::npos)
    return {.is_done = is_done_with(behind.substr(turn + kTurn.size()), max_keywords),
            .continue_with = ""};
  // The token that closed the description may have begun the turn, or closed the whole object.
  const std::string_view rest = kTurn.starts_with(behind) ? kTurn.substr(behind.size()) : kTurn;
  return {.is_done = false, .continue_with = std::string(rest)};
}

}  // namespace tsrec::language_model
