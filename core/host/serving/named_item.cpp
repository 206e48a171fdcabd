#include "serving/named_item.hpp"

#include <algorithm>

namespace tsrec::host::serving {
namespace {

[[noreturn]] void refuse_several(const Items& items, const std::vector<int64_t>& found,
                                 const std::string& what) {
  constexpr size_t kMost = 5;
  std::string list;
  for (size_t i = 0; i < std::min(found.size(), kMost); ++i)
    list += c10::str("\n  ", items.key(found[i]), "  ", items.text("title", found[i]));
  if (found.size() > kMost) list += c10::str("\n  and ", found.size() - kMost, " more");
  throw DataError(found.size(), " ", what, "; name one by its key:", list);
}

}  // namespace

std::string lowered(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

int64_t item_named(const Items& items, const std::string& word) {
  if (const auto known = items.find(word)) return *known;
  const std::string wanted = lowered(word);
  std::vector<int64_t> wholly, partly;
  for (int64_t item = 0; item < items.size(); ++item) {
    const std::string title = lowered(items.text("title", item));
    if (wanted.empty() || title.find(wanted) == std::string::npos) continue;
    partly.push_back(item);
    if (title == wanted) wholly.push_back(item);
  }
  if (wholly.size() > 1) refuse_several(items, wholly, "items have the title '" + word + "'");
  if (wholly.size() == 1) return wholly.front();
  if (partly.size() > 1) refuse_several(items, partly, "titles contain '" + word + "'");
  if (partly.empty())
    throw DataError("no item has the key or the title '", word,
                    "'; name one of the catalogue's keys, or a part of a title");
  return partly.front();
}

}  // namespace tsrec::host::serving
