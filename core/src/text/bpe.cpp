#include "text/bpe.hpp"

#include <queue>
#include <tuple>

#include "text/byte_spelling.hpp"
#include "text/unicode.hpp"

namespace tsrec::text {
namespace {

// A doubly linked list in an array: merging a pair keeps the left node and drops the right one.
struct Node {
  int32_t id, previous, next;
};

struct Candidate {
  int32_t rank, left, to;
  Pair from;
  // The queue gives the largest: lowest rank first, then leftmost.
  bool operator<(const Candidate& other) const {
    return std::tie(rank, left) > std::tie(other.rank, other.left);
  }
};

}  // namespace

Bpe::Bpe(std::vector<std::string> pieces, std::vector<Merge> merges, BpeSettings settings)
    : pieces_(std::move(pieces)), merges_(std::move(merges)), settings_(std::move(settings)) {
  rules_.reserve(merges_.size());
  for (size_t rank = 0; rank < merges_.size(); ++rank) {
    rules_[merges_[rank].from] = {static_cast<int32_t>(rank), merges_[rank].to};
  }
  id_of_byte_.fill(-1);
  const bool looks_up = !settings_.is_byte_level || settings_.whole_words_first;
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    if (settings_.unspelled.contains(id)) continue;
    if (settings_.is_byte_level && pieces_[i].size() == 1)
      id_of_byte_[static_cast<unsigned char>(pieces_[i][0])] = id;
    if (looks_up) id_of_.emplace(pieces_[i], id);
  }
  for (size_t byte = 0; byte < id_of_byte_.size() && settings_.byte_fallback; ++byte)
    id_of_byte_[byte] = find(spelled_byte(static_cast<char>(byte))).value_or(-1);
}

void Bpe::encode(std::string_view word, std::vector<int32_t>& out) const {
  cache_.append(word, out, [this](std::string_view fresh) { return ids_of(fresh); });
}

std::optional<int32_t> Bpe::find(std::string_view piece) const {
  const auto found = id_of_.find(piece);
  return found == id_of_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<int32_t> Bpe::ids_of(std::string_view word) const {
  if (settings_.whole_words_first) {
    if (const auto whole = find(word)) return {*whole};
  }
  return merged(symbols_of(word));
}

// Calls known(id) for what the vocabulary has and unknown() for what it lacks, from left to right.
template <class Known, class Unknown>
void Bpe::each_symbol(std::string_view word, const Known& known, const Unknown& unknown) const {
  if (settings_.is_byte_level) {
    for (const char c : word) {
      const int32_t id = id_of_byte_[static_cast<unsigned char>(c)];
      if (id >= 0)
        known(id);
      else
        unknown(std::string_view());
    }
    return;
  }
  const bool is_plain = settings_.continuing_prefix.empty() && settings_.word_suffix.empty();
  std::string decorated;
  each_character(word, [&](char32_t, std::string_view bytes) {
    std::string_view symbol = bytes;
    if (!is_plain) {
      decorated = bytes;
      if (bytes.data() != word.data()) decorated.insert(0, settings_.continuing_prefix);
      if (bytes.data() + bytes.size() == word.data() + word.size())
        decorated += settings_.word_suffix;
      symbol = decorated;
    }
    if (const auto id = find(symbol))
      known(*id);
    else
      unknown(symbol);
  });
}

std::vector<int32_t> Bpe::symbols_of(std::string_view word) const {
  std::vector<int32_t> symbols;
  symbols.reserve(word.size());
  bool is_pending = false;  // an unknown token that may grow by its right neighbour
  const auto known = [&](int32_t id) {
    if (is_pending) symbols.push_back(*settings_.unknown);
    is_pending = false;
    symbols.push_back(id);
  };
  const auto falls_back = [&](std::string_view symbol) {
    if (!settings_.byte_fallback) return false;
    for (const char c : symbol) {
      if (id_of_byte_[static_cast<unsigned char>(c)] < 0) return false;
    }
    for (const char c : symbol) symbols.push_back(id_of_byte_[static_cast<unsigned char>(c)]);
    return true;
  };
  each_symbol(word, known, [&](std::string_view symbol) {
    if (falls_back(symbol) || !settings_.unknown) return;
    if (is_pending && !settings_.fuse_unknown) symbols.push_back(*settings_.unknown);
    is_pending = true;
  });
  if (is_pending) symbols.push_back(*settings_.unknown);
  return symbols;
}

// Applies the best-ranked merge, leftmost first, until none applies: O(n log n) for n symbols.
std::vector<int32_t> Bpe::merged(const std::vector<int32_t>& symbols) const {
  const auto size = static_cast<int32_t>(symbols.size());
  std::vector<Node> nodes(symbols.size());
  const auto node = [&](int32_t i) -> Node& { return nodes[static_cast<size_t>(i)]; };
  for (int32_t i = 0; i < size; ++i)
    node(i) = {symbols[static_cast<size_t>(i)], i - 1, i + 1 < size ? i + 1 : -1};
  std::priority_queue<Candidate> queue;
  const auto offer = [&](int32_t left) {
    if (left < 0 || node(left).next < 0) return;
    const Pair pair(node(left).id, node(node(left).next).id);
    const auto rule = rules_.find(pair);
    if (rule != rules_.end()) queue.push({rule->second.rank, left, rule->second.to, pair});
  };
  for (int32_t i = 0; i < size; ++i) offer(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Node& left = node(best.left);
    // Dropped nodes have id -1; a pair that changed since it was offered is out of date.
    if (left.id != best.from.first || left.next < 0) continue;
    Node& right = node(left.next);
    if (right.id != best.from.second) continue;
    left.id = best.to;
    right.id = -1;
    left.next = right.next;
    if (left.next >= 0) node(left.next).previous = best.left;
    offer(left.previous);
    offer(best.left);
  }
  std::vector<int32_t> ids;
  for (int32_t i = size > 0 ? 0 : -1; i >= 0; i = node(i).next) ids.push_back(node(i).id);
  return ids;
}

}  // namespace tsrec::text
