#include "loose_answer.hpp"

#include <algorithm>
#include <cctype>
#include <sstream>

#include "plain_text.hpp"

namespace tsrec::language_model {
namespace {

constexpr int64_t kKeywordWords = 6;
constexpr size_t kLabelCharacters = 24;  // between the word keyword and its colon

std::string lowered(std::string_view text) {
  std::string low(text);
  for (char& c : low) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return low;
}

std::string_view trimmed(std::string_view text, std::string_view marks) {
  const size_t begin = text.find_first_not_of(marks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(marks) + 1 - begin);
}

// --- where things stand --------------------------------------------------------------------------
struct Label {
  size_t begin = std::string_view::npos, end = 0;  // of the word; behind its colon or before its [
  bool is_there() const { return begin != std::string_view::npos; }
};

// The first place where the word is followed, on its line, by a colon or an opening bracket.
Label find_label(std::string_view text, std::string_view word) {
  const std::string low = lowered(text);
  for (size_t at = low.find(word); at != std::string::npos; at = low.find(word, at + 1)) {
    const size_t end = low.find_first_of(":[\n", at + word.size());
    if (end == std::string::npos || low[end] == '\n' || end - at > word.size() + kLabelCharacters)
      continue;
    return {at, low[end] == ':' ? end + 1 : end};
  }
  return {};
}

// A string of JSON from behind its opening quote to the closing one, which need not be there.
struct Quoted {
  std::string text;
  size_t end = 0;  // behind the closing quote
  bool is_closed = false;
};

Quoted read_quoted(std::string_view text) {
  Quoted quoted;
  for (; quoted.end < text.size(); ++quoted.end) {
    const char c = text[quoted.end];
    if (c == '"') {
      ++quoted.end;
      quoted.is_closed = true;
      return quoted;
    }
    if (c != '\\' || quoted.end + 1 == text.size()) {
      quoted.text += c;
      continue;
    }
    const char escaped = text[++quoted.end];
    quoted.text += escaped == 'n' || escaped == 't' || escaped == 'r' ? ' ' : escaped;
  }
  return quoted;
}

// --- keywords ------------------------------------------------------------------------------------
std::vector<std::string> split_at(std::string_view text, std::string_view separators) {
  std::vector<std::string> pieces;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(separators), text.size());
    pieces.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pieces;
}

// From behind the opening bracket.
std::vector<std::string> entries_of_list(std::string_view text) {
  std::vector<std::string> entries;
  std::string_view rest = text;
  while (!rest.empty() && rest.front() != ']') {
    if (rest.front() != '"') {
      rest.remove_prefix(1);
      continue;
    }
    rest.remove_prefix(1);
    const Quoted entry = read_quoted(rest);
    if (!entry.is_closed) break;
    entries.push_back(entry.text);
    rest.remove_prefix(entry.end);
  }
  if (!entries.empty() || text.find('"') != std::string_view::npos) return entries;
  const size_t end = text.find(']');
  entries = split_at(text.substr(0, end), ",;\n");
  if (end == std::string_view::npos && !entries.empty()) entries.pop_back();  // may be cut
  return entries;
}

// What stands behind the mark of a list's line: "- ", "* ", "• ", "3. ", "3) ". Empty for others.
std::string_view behind_bullet(std::string_view line) {
  line = trimmed(line, " \t\r");
  for (const std::string_view mark : {"- ", "* ", "\u2022 ", "\u2022"}) {
    if (line.starts_with(mark)) return line.substr(mark.size());
  }
  const size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
  const bool is_numbered =
      digits > 0 && digits < line.size() && (line[digits] == '.' || line[digits] == ')');
  return is_numbered ? line.substr(digits + 1) : std::string_view();
}

// Lines with bullets, from the first one to the first line that has none.
std::vector<std::string> entries_of_lines(std::string_view text) {
  std::vector<std::string> entries;
  for (const std::string& line : split_at(text, "\n")) {
    if (trimmed(line, " \t\r").empty()) continue;
    const std::string_view entry = behind_bullet(line);
    if (!entry.empty()) {
      entries.emplace_back(entry);
    } else if (!entries.empty()) {
      break;
    }
  }
  return entries;
}

std::vector<std::string> entries_behind(std::string_view text) {
  const std::string_view rest = trimmed(text, " \t\r\n*_\"");
  if (rest.starts_with('[')) return entries_of_list(rest.substr(1));
  const std::string_view line = trimmed(text.substr(0, text.find('\n')), " \t\r*_\"");
  if (!line.empty()) return split_at(line, ",;");
  return entries_of_lines(text);
}

std::vector<std::string> listed(std::string_view reply, const Label& label) {
  std::vector<std::string> entries;
  if (label.is_there()) {
    entries = entries_behind(reply.substr(label.end));
  } else {
    entries = entries_of_lines(reply);
    if (entries.size() < 2) entries.clear();  // a sentence may begin with a number
  }
  std::vector<std::string> keywords;
  for (const std::string& entry : entries) {
    std::string keyword(trimmed(entry, " \t\r\n*_`\"'.[]{}"));
    if (std::count(keyword.begin(), keyword.end(), ' ') < kKeywordWords)
      keywords.push_back(std::move(keyword));
  }
  return keywords;
}

// --- the description -----------------------------------------------------------------------------
std::string whole_sentences(const std::string& text) {
  if (text.empty() || text.back() == '.' || text.back() == '!' || text.back() == '?') return text;
  const size_t end = text.rfind(". ");
  return end == std::string::npos ? text : text.substr(0, end + 1);
}

std::string described(std::string_view reply, const Label& keywords) {
  const std::string_view before = reply.substr(0, keywords.begin);
  const Label label = find_label(before, "description");
  if (!label.is_there()) {
    const std::string_view start = trimmed(before, " \t\r\n*_\"{},");
    const std::string_view paragraph = start.substr(0, start.find("\n\n"));
    return behind_bullet(paragraph).empty() ? std::string(paragraph) : std::string();
  }
  const std::string_view rest = trimmed(reply.substr(label.end), " \t\r\n*_");
  if (rest.starts_with('"')) return read_quoted(rest.substr(1)).text;
  const std::string_view behind = trimmed(before.substr(label.end), " \t\r\n*_\"{},");
  return std::string(behind.substr(0, behind.find("\n\n")));
}

}  // namespace

Answer read_loosely(std::string_view reply, int64_t max_keywords) {
  Reading reading = read_answer(reply, max_keywords);
  Answer answer = std::move(reading.answer);
  if (!reading.is_usable()) {
    const Label keywords = find_label(reply, "keyword");
    answer = {single_blanks(described(reply, keywords)),
              clean_keywords(listed(reply, keywords), max_keywords)};
  }
  answer.description = whole_sentences(answer.description);
  return answer;
}

}  // namespace tsrec::language_model
