#include "tsrec/io/python_json.hpp"

#include <algorithm>
#include <array>

#include "io/byte_order_mark.hpp"

namespace tsrec::io {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::array<std::string_view, 4> kMissing = {"NaN", "Infinity", "-Infinity", "None"};

class Mender {
 public:
  explicit Mender(std::string_view text) : text_(text) {}

  StrictJson mended() {
    out_.text.reserve(text_.size());
    if (text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
    while (at_ < text_.size()) {
      if (text_[at_] == '"') {
        string();
      } else if (is_word(text_[at_])) {
        word();
      } else {
        out_.text += text_[at_++];
      }
    }
    return std::move(out_);
  }

 private:
  static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '+';
  }

  void word() {
    size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    const bool is_missing = std::find(kMissing.begin(), kMissing.end(), word) != kMissing.end();
    out_.text += is_missing ? "null" : word;
    at_ = end;
  }

  void string() {
    take(1);
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') {
        escape();
      } else if (is_raw_surrogate()) {
        replace(3, kReplacement);
      } else {
        take(1);
      }
    }
    take(1);
  }

  void escape() {
    constexpr size_t kLength = 6;  // of "\ud83d"
    const int64_t code = escaped_code(at_);
    if (code < 0xD800 || code > 0xDFFF) return take(2);
    const int64_t next = escaped_code(at_ + kLength);
    if (code < 0xDC00 && next >= 0xDC00 && next <= 0xDFFF) return take(2 * kLength);
    replace(kLength, "\\uFFFD");
  }

  // The number of "\uXXXX" at this place; -1: something else stands there.
  int64_t escaped_code(size_t at) const {
    if (at + 6 > text_.size() || text_.substr(at, 2) != "\\u") return -1;
    const std::string_view digits = text_.substr(at + 2, 4);
    int64_t code = 0;
    for (const char c : digits) {
      const bool is_hex =
          (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      if (!is_hex) return -1;
      code = code * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return code;
  }

  // UTF-8 has no surrogates; who writes one nevertheless writes these three bytes.
  bool is_raw_surrogate() const {
    if (at_ + 3 > text_.size()) return false;
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text_[at_ + i]); };
    return byte(0) == 0xED && byte(1) >= 0xA0 && byte(1) <= 0xBF && byte(2) >= 0x80 &&
           byte(2) <= 0xBF;
  }

  void take(size_t count) {
    const std::string_view taken = text_.substr(at_, count);
    out_.text += taken;
    at_ += taken.size();
  }
  void replace(size_t count, std::string_view by) {
    out_.text += by;
    ++out_.replaced;
    at_ += count;
  }

  std::string_view text_;
  StrictJson out_;
  size_t at_ = 0;
};

}  // namespace

StrictJson strict_json(std::string_view text) { return Mender(text).mended(); }

}  // namespace tsrec::io
