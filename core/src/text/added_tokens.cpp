#include "text/added_tokens.hpp"

#include <algorithm>

#include "text/unicode.hpp"

namespace tsrec::text {
namespace {

// The last character before `end`.
Character character_before(std::string_view text, size_t end) {
  size_t at = end - 1;
  while (at > 0 && is_continuation(text[at])) --at;
  return character_at(text, at);
}

bool stands_alone(std::string_view text, size_t begin, size_t end) {
  return (begin == 0 || !is_word_character(character_before(text, begin).code)) &&
         (end == text.size() || !is_word_character(character_at(text, end).code));
}

size_t white_space_before(std::string_view text, size_t begin) {
  while (begin > 0) {
    const Character before = character_before(text, begin);
    if (!is_white_space(before.code)) break;
    begin -= before.length;
  }
  return begin;
}

size_t white_space_behind(std::string_view text, size_t end) {
  while (end < text.size()) {
    const Character next = character_at(text, end);
    if (!is_white_space(next.code)) break;
    end += next.length;
  }
  return end;
}

}  // namespace

void AddedTokenMatcher::insert(std::string_view content, const AddedToken& token) {
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
  nodes_[static_cast<size_t>(node)].token = static_cast<int32_t>(tokens_.size());
  tokens_.push_back({token.id, token.left_strip, token.right_strip, token.single_word});
}

void AddedTokenMatcher::split(std::string_view text,
                              const std::function<void(std::string_view)>& on_text,
                              const std::function<void(int32_t)>& on_token) const {
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    const Match match = longest_at(text, at);
    if (match.token < 0) {
      ++at;
      continue;
    }
    const Found& token = tokens_[static_cast<size_t>(match.token)];
    size_t begin = at, end = at + match.length;
    at = end;
    if (token.single_word && !stands_alone(text, begin, end)) continue;
    if (token.left_strip) begin = std::max(done, white_space_before(text, begin));
    if (token.right_strip) end = white_space_behind(text, end);
    if (begin > done) on_text(text.substr(done, begin - done));
    on_token(token.id);
    at = done = end;
  }
  if (done < text.size()) on_text(text.substr(done));
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
    const int32_t token = nodes_[static_cast<size_t>(node)].token;
    if (token >= 0) best = {token, i - at + 1};
  }
  return best;
}

}  // namespace tsrec::text
