#include "plain_text.hpp"

#include <utf8proc.h>

namespace tsrec::language_model {
namespace {

const utf8proc_uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<const utf8proc_uint8_t*>(text.data());
}

bool is_blank(utf8proc_int32_t point) {
  switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
      return true;
    default:
      return false;
  }
}

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

}  // namespace

std::string single_blanks(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    utf8proc_int32_t point = 0;
    const utf8proc_ssize_t length =
        utf8proc_iterate(bytes_of(text), static_cast<utf8proc_ssize_t>(text.size()), &point);
    if (length <= 0) {
      plain += "\uFFFD";
    } else if (!is_blank(point)) {
      plain += text.substr(0, static_cast<size_t>(length));
    } else if (!plain.empty() && plain.back() != ' ') {
      plain += ' ';
    }
    text.remove_prefix(length <= 0 ? 1 : static_cast<size_t>(length));
  }
  if (!plain.empty() && plain.back() == ' ') plain.pop_back();
  return plain;
}

int64_t num_characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), begins_character);
}

std::string_view first_characters(std::string_view text, int64_t count) {
  size_t end = 0;
  for (int64_t seen = 0; end < text.size(); ++end) {
    if (begins_character(text[end]) && seen++ == count) break;
  }
  return text.substr(0, end);
}

std::string folded(const std::string& text) {
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(
      bytes_of(text), static_cast<utf8proc_ssize_t>(text.size()), &mapped,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(mapped, &std::free);
  if (size < 0) return text;
  return {reinterpret_cast<const char*>(mapped), static_cast<size_t>(size)};
}

}  // namespace tsrec::language_model
