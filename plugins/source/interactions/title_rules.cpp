#include "title_rules.hpp"

#include <algorithm>
#include <string_view>

#include "table_file.hpp"
#include "tsrec/text/html.hpp"

namespace tsrec::interactions {
namespace {

std::string decoded(std::string_view text, std::string_view entity, char character) {
  std::string out;
  for (size_t at = text.find(entity); at != std::string_view::npos; at = text.find(entity)) {
    out += text.substr(0, at);
    out += character;
    text.remove_prefix(at + entity.size());
  }
  return out += text;
}

std::string_view without_ends(std::string_view text, char end) {
  while (text.starts_with(end)) text.remove_prefix(1);
  while (text.ends_with(end)) text.remove_suffix(1);
  return text;
}

int64_t characters_of(std::string_view utf8) {
  return std::count_if(utf8.begin(), utf8.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

}  // namespace

bool is_admitted_by_minionerec(const std::string& title) {
  if (title.find("<span id") != std::string::npos) return false;
  const std::string text = decoded(decoded(title, "&quot;", '"'), "&amp;", '&');
  const std::string_view plain = without_ends(without_ends(text, ' '), '"');
  return characters_of(plain) > 1 && std::count(plain.begin(), plain.end(), ' ') < 20;
}

bool is_title(const std::string& title) { return !trimmed(text::without_html(title)).empty(); }

}  // namespace tsrec::interactions
