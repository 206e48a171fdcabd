#include "decode/continuations.hpp"

namespace tsrec::decode {
namespace {

// The tokens that stand at each depth of the trie.
std::vector<std::set<int32_t>> tokens_of_levels(const Trie& trie) {
  std::vector<std::set<int32_t>> levels(static_cast<size_t>(trie.depth()));
  std::vector<int32_t> nodes = {Trie::kRoot};
  for (std::set<int32_t>& level : levels) {
    std::vector<int32_t> below;
    for (const int32_t node : nodes) {
      if (!trie.items(node).empty())
        throw ConfigError(
            "constraint = \"level\" allows every code of a level behind every other, which needs "
            "SIDs of one length; this catalogue has shorter ones and SIDs of ",
            trie.depth(), " codes, so use constraint = \"trie\"");
      const Trie::Children children = trie.children(node);
      level.insert(children.token.begin(), children.token.end());
      below.insert(below.end(), children.node.begin(), children.node.end());
    }
    nodes = std::move(below);
  }
  return levels;
}

}  // namespace

Continuations::Continuations(const Trie& trie, Constraint constraint) : trie_(trie) {
  if (constraint == Constraint::trie) return;
  for (const std::set<int32_t>& tokens : tokens_of_levels(trie)) {
    Level& level = levels_.emplace_back();
    level.token.assign(tokens.begin(), tokens.end());
    level.node.assign(tokens.size(), static_cast<int32_t>(levels_.size()));
  }
}

}  // namespace tsrec::decode
