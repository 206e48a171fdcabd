#include "text/utf8.hpp"

namespace tsrec::text {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

struct Run {
  size_t length;  // of a character, or of a maximal ill-formed part
  bool valid;
};

// Range of the second byte and number of bytes, by first byte (Unicode standard, table 3-7).
struct Form {
  size_t length;
  unsigned char low, high;
};

Form form_of(unsigned char first) {
  if (first < 0x80) return {1, 0, 0};
  if (first >= 0xC2 && first <= 0xDF) return {2, 0x80, 0xBF};
  if (first == 0xE0) return {3, 0xA0, 0xBF};
  if (first == 0xED) return {3, 0x80, 0x9F};  // no surrogates
  if (first >= 0xE1 && first <= 0xEF) return {3, 0x80, 0xBF};
  if (first == 0xF0) return {4, 0x90, 0xBF};
  if (first >= 0xF1 && first <= 0xF3) return {4, 0x80, 0xBF};
  if (first == 0xF4) return {4, 0x80, 0x8F};  // nothing above U+10FFFF
  return {0, 0, 0};
}

Run run_at(std::string_view bytes, size_t at) {
  Form form = form_of(static_cast<unsigned char>(bytes[at]));
  if (form.length == 0) return {1, false};
  for (size_t i = 1; i < form.length; ++i) {
    if (at + i == bytes.size()) return {i, false};
    const auto byte = static_cast<unsigned char>(bytes[at + i]);
    if (byte < form.low || byte > form.high) return {i, false};
    form.low = 0x80;
    form.high = 0xBF;
  }
  return {form.length, true};
}

}  // namespace

std::string valid_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size();) {
    const Run run = run_at(bytes, at);
    out += run.valid ? bytes.substr(at, run.length) : kReplacement;
    at += run.length;
  }
  return out;
}

bool is_valid_utf8(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const Run run = run_at(bytes, at);
    if (!run.valid) return false;
    at += run.length;
  }
  return true;
}

}  // namespace tsrec::text
