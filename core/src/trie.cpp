#include "tsrec/trie.hpp"

namespace tsrec {
namespace {

struct Leaf {
  std::vector<int32_t> tokens;
  std::vector<int64_t> items;
  int64_t group = -1;
};

}  // namespace

// Leaves in the order of their tokens; every node is a range of leaves that agree on their first
// `depth` tokens.
struct TrieBuilder {
  static Trie build(const std::vector<Leaf>& leaves) {
    Trie trie;
    struct Range {
      size_t begin, end, depth;
    };
    std::vector<Range> ranges = {{0, leaves.size(), 0}};
    trie.item_offset_.push_back(0);
    for (size_t node = 0; node < ranges.size(); ++node) {  // grows while it runs: breadth first
      const Range range = ranges[node];
      trie.offset_.push_back(static_cast<int32_t>(trie.token_.size()));
      const Leaf& first = leaves[range.begin];
      const bool is_leaf = first.tokens.size() == range.depth;
      if (is_leaf && range.end - range.begin > 1) {
        throw DataError(
            "a SID may not be the beginning of another one; two items of the catalogue break this "
            "rule, ",
            "items ", first.items.front(), " and ", leaves[range.begin + 1].items.front());
      }
      if (is_leaf) {
        trie.item_.insert(trie.item_.end(), first.items.begin(), first.items.end());
        trie.depth_ = std::max(trie.depth_, static_cast<int64_t>(range.depth));
        ++trie.num_leaves_;
      }
      trie.item_offset_.push_back(static_cast<int64_t>(trie.item_.size()));
      trie.group_.push_back(is_leaf ? first.group : -1);
      if (is_leaf) continue;
      for (size_t begin = range.begin; begin < range.end;) {
        const int32_t token = leaves[begin].tokens[range.depth];
        size_t end = begin;
        while (end < range.end && leaves[end].tokens[range.depth] == token) ++end;
        trie.token_.push_back(token);
        trie.node_.push_back(static_cast<int32_t>(ranges.size()));
        ranges.push_back({begin, end, range.depth + 1});
        begin = end;
      }
    }
    trie.offset_.push_back(static_cast<int32_t>(trie.token_.size()));
    return trie;
  }

  static void collect(const Trie& trie, int32_t node, std::vector<int32_t>& path,
                      std::vector<Leaf>& leaves) {
    if (const auto items = trie.items(node); !items.empty()) {
      leaves.push_back({path, {items.begin(), items.end()}, trie.leaf_group(node)});
    }
    const Trie::Children children = trie.children(node);
    for (size_t c = 0; c < children.token.size(); ++c) {
      path.push_back(children.token[c]);
      collect(trie, children.node[c], path, leaves);
      path.pop_back();
    }
  }
};

Trie Trie::build(const SidTable& sids, const Vocabulary& vocabulary) {
  if (sids.num_items() == 0) throw DataError("the catalogue is empty; there is nothing to decode");
  const std::vector<int64_t> group_N = sids.group_N();
  std::map<std::vector<int32_t>, Leaf> leaf_of;
  for (int64_t item = 0; item < sids.num_items(); ++item) {
    std::vector<int32_t> tokens = vocabulary.ids(sids, item);
    const bool is_known = !tokens.empty() && *std::min_element(tokens.begin(), tokens.end()) >= 0;
    if (!is_known)
      throw DataError("item ", item,
                      " has no SID in the model's vocabulary; the model belongs to other SIDs");
    Leaf& leaf = leaf_of[tokens];
    leaf.tokens = std::move(tokens);
    leaf.items.push_back(item);
    leaf.group = group_N[static_cast<size_t>(item)];
  }
  std::vector<Leaf> leaves;
  for (auto& [tokens, leaf] : leaf_of) leaves.push_back(std::move(leaf));
  return TrieBuilder::build(leaves);
}

Trie Trie::restricted_to(std::span<const int64_t> items) const {
  const std::set<int64_t> allowed(items.begin(), items.end());
  std::vector<Leaf> leaves, kept;
  std::vector<int32_t> path;
  TrieBuilder::collect(*this, kRoot, path, leaves);
  for (Leaf& leaf : leaves) {
    std::erase_if(leaf.items, [&](int64_t item) { return !allowed.contains(item); });
    if (!leaf.items.empty()) kept.push_back(std::move(leaf));
  }
  if (kept.empty())
    throw DataError("the allow-list names no item of the catalogue; nothing could be recommended");
  return TrieBuilder::build(kept);
}

Trie::Children Trie::children(int32_t node) const {
  const auto begin = static_cast<size_t>(offset_[static_cast<size_t>(node)]);
  const auto count = static_cast<size_t>(offset_[static_cast<size_t>(node) + 1]) - begin;
  return {std::span(token_).subspan(begin, count), std::span(node_).subspan(begin, count)};
}

int32_t Trie::walk(std::span<const int32_t> tokens) const {
  int32_t node = kRoot;
  for (const int32_t token : tokens) {
    const Children next = children(node);
    const auto found = std::lower_bound(next.token.begin(), next.token.end(), token);
    if (found == next.token.end() || *found != token) return -1;
    node = next.node[static_cast<size_t>(found - next.token.begin())];
  }
  return node;
}

std::span<const int64_t> Trie::items(int32_t node) const {
  const auto begin = static_cast<size_t>(item_offset_[static_cast<size_t>(node)]);
  return std::span(item_).subspan(
      begin, static_cast<size_t>(item_offset_[static_cast<size_t>(node) + 1]) - begin);
}

int32_t Trie::leaf(std::span<const int32_t> tokens) const {
  const int32_t node = walk(tokens);
  return node >= 0 && !items(node).empty() ? node : -1;
}

int64_t Trie::leaf_group(int32_t node) const { return group_[static_cast<size_t>(node)]; }
int64_t Trie::num_nodes() const { return static_cast<int64_t>(group_.size()) - 1; }
int64_t Trie::num_leaves() const { return num_leaves_; }
int64_t Trie::depth() const { return depth_; }

}  // namespace tsrec
