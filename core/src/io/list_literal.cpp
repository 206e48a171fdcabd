// The printed form of a Python list, as data frames store it in CSV cells. Strict: whatever is not
// a list of strings and integers is refused, and nothing is ever evaluated.
#include "tsrec/io/files.hpp"

namespace tsrec::io {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, uint32_t code) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3F)); };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    tail(12), tail(6), tail(0);
  }
}

class ListParser {
 public:
  explicit ListParser(std::string_view text) : text_(text) {}

  std::vector<std::string> parse() {
    std::vector<std::string> entries;
    expect('[', "'['");
    while (!take(']')) {
      entries.push_back(entry());
      if (take(']')) break;
      expect(',', "',' or ']'");
    }
    skip_blanks();
    if (at_ != text_.size()) fail("the end of the text");
    return entries;
  }

 private:
  [[noreturn]] void fail(const char* expected) const {
    throw DataError("malformed list at character ", at_ + 1, ": expected ", expected, ", got '",
                    text_.substr(at_, 20),
                    "'; a list of strings or integers is printed as ['a', 3]");
  }
  bool at_end() const { return at_ == text_.size(); }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  void skip_blanks() {
    while (!at_end() && (peek() == ' ' || peek() == '\n' || peek() == '\t' || peek() == '\r'))
      ++at_;
  }
  bool take(char c) {
    skip_blanks();
    if (at_end() || peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c, const char* what) {
    if (!take(c)) fail(what);
  }

  std::string entry() {
    skip_blanks();
    return peek() == '\'' || peek() == '"' ? string() : integer();
  }

  std::string integer() {
    const size_t begin = at_;
    if (peek() == '-') ++at_;
    if (!is_digit(peek())) fail("a string or an integer");
    while (is_digit(peek())) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string string() {
    const char quote = text_[at_++];
    std::string out;
    while (true) {
      if (at_end()) fail("a closing quote");
      const char c = text_[at_++];
      if (c == quote) return out;
      if (c == '\\') {
        escape(out);
      } else {
        out += c;
      }
    }
  }

  void escape(std::string& out) {
    if (at_end()) fail("an escape sequence");
    switch (const char c = text_[at_++]; c) {
      case '\\':
      case '\'':
      case '"':
        out += c;
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'x':
        append_utf8(out, code_point(2));
        break;
      case 'u':
        append_utf8(out, code_point(4));
        break;
      case 'U':
        append_utf8(out, code_point(8));
        break;
      default:
        --at_;
        fail("one of the escapes that Python prints");
    }
  }

  uint32_t code_point(int digits) {
    uint32_t code = 0;
    for (int i = 0; i < digits; ++i) {
      const int value = hex_value(peek());
      if (value < 0) fail("a hexadecimal digit");
      code = code * 16 + static_cast<uint32_t>(value);
      ++at_;
    }
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code > 0x10FFFF || surrogate) fail("the code of a Unicode character before this place");
    return code;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::vector<std::string> parse_list_literal(std::string_view text) {
  return ListParser(text).parse();
}

}  // namespace tsrec::io
