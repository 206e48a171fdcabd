#include "text/bpe.hpp"

#include <mutex>
#include <queue>
#include <tuple>

namespace tsrec::text {
namespace {

constexpr size_t kLongestCachedWord = 64;   // longer words hardly ever come twice
constexpr size_t kWordsPerShard = 1 << 14;  // bounds the cache near 50 MB

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

Bpe::Bpe(std::vector<std::string> pieces, std::vector<Merge> merges, bool whole_words_first)
    : pieces_(std::move(pieces)), merges_(std::move(merges)) {
  for (size_t id = 0; id < pieces_.size(); ++id) {
    if (pieces_[id].size() != 1) continue;
    id_of_byte_[static_cast<unsigned char>(pieces_[id][0])] = static_cast<int32_t>(id);
  }
  rules_.reserve(merges_.size());
  for (size_t rank = 0; rank < merges_.size(); ++rank) {
    rules_[merges_[rank].from] = {static_cast<int32_t>(rank), merges_[rank].to};
  }
  for (size_t id = 0; id < pieces_.size() && whole_words_first; ++id)
    whole_words_.emplace(pieces_[id], static_cast<int32_t>(id));
}

void Bpe::encode(std::string_view word, std::vector<int32_t>& out) const {
  const auto append = [&](const std::vector<int32_t>& ids) {
    out.insert(out.end(), ids.begin(), ids.end());
  };
  if (word.size() > kLongestCachedWord) return append(ids_of(word));
  Shard& shard = cache_[TextHash{}(word) % cache_.size()];
  {
    const std::shared_lock lock(shard.mutex);
    const auto found = shard.words.find(word);
    if (found != shard.words.end()) return append(found->second);
  }
  std::vector<int32_t> ids = ids_of(word);
  append(ids);
  const std::unique_lock lock(shard.mutex);
  if (shard.words.size() < kWordsPerShard) shard.words.emplace(word, std::move(ids));
}

std::vector<int32_t> Bpe::ids_of(std::string_view word) const {
  const auto whole = whole_words_.find(word);
  return whole != whole_words_.end() ? std::vector<int32_t>{whole->second} : merge(word);
}

// Applies the best-ranked merge, leftmost first, until none applies: O(n log n) for n bytes.
std::vector<int32_t> Bpe::merge(std::string_view word) const {
  const auto size = static_cast<int32_t>(word.size());
  std::vector<Node> nodes(word.size());
  for (int32_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(word[static_cast<size_t>(i)]);
    nodes[static_cast<size_t>(i)] = {id_of_byte_[byte], i - 1, i + 1 < size ? i + 1 : -1};
  }
  const auto node = [&](int32_t i) -> Node& { return nodes[static_cast<size_t>(i)]; };
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
