#include "text/utf8.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>

#include "tsrec/error.hpp"

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

// All characters below U+0300 are their own normal form and combine with nothing; 0xCC is the first
// byte of U+0300.
bool is_plainly_normal(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0xCC; });
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

std::string nfc(std::string_view text) {
  if (is_plainly_normal(text)) return std::string(text);
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &mapped,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(mapped, &std::free);
  if (size < 0) throw Error("cannot normalise a text: ", utf8proc_errmsg(size));
  return std::string(reinterpret_cast<const char*>(mapped), static_cast<size_t>(size));
}

}  // namespace tsrec::text
