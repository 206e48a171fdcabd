#include "text/added_tokens.hpp"

namespace tsrec::text {

void AddedTokenMatcher::insert(std::string_view content, int32_t id) {
  int32_t node = 0;
  for (const char c : content) {
    int32_t next = child(node, c);
    if (next < 0) {
      next = static_cast<int32_t>(nodes_.size());
      nodes_[static_cast<size_t>(node)].next.emplace_back(c, next);
      nodes_.emplace_back();
    }
    node = next;
  }
  nodes_[static_cast<size_t>(node)].id = id;
}

void AddedTokenMatcher::split(std::string_view text,
                              const std::function<void(std::string_view)>& on_text,
                              const std::function<void(int32_t)>& on_token) const {
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const Match match = longest_at(text, at);
    if (match.id < 0) {
      ++at;
      continue;
    }
    if (at > begin) on_text(text.substr(begin, at - begin));
    on_token(match.id);
    at += match.length;
    begin = at;
  }
  if (begin < text.size()) on_text(text.substr(begin));
}

int32_t AddedTokenMatcher::child(int32_t node, char c) const {
  for (const auto& [key, next] : nodes_[static_cast<size_t>(node)].next) {
    if (key == c) return next;
  }
  return -1;
}

AddedTokenMatcher::Match AddedTokenMatcher::longest_at(std::string_view text, size_t at) const {
  Match best{-1, 0};
  int32_t node = 0;
  for (size_t i = at; i < text.size(); ++i) {
    node = child(node, text[i]);
    if (node < 0) break;
    const int32_t id = nodes_[static_cast<size_t>(node)].id;
    if (id >= 0) best = {id, i - at + 1};
  }
  return best;
}

}  // namespace tsrec::text
