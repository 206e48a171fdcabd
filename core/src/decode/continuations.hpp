// Which tokens may follow a partial SID.
#pragma once

#include "tsrec/decode/decoder.hpp"

namespace tsrec::decode {

class Continuations {
 public:
  // The trie must outlive it. Throws ConfigError: by level, but SIDs of several lengths.
  Continuations(const Trie& trie, Constraint constraint);

  // A node is one of the trie; by level, how many codes are behind it. Both begin at Trie::kRoot.
  Trie::Children children(int32_t node) const {
    if (levels_.empty()) return trie_.children(node);
    const Level& level = levels_[static_cast<size_t>(node)];
    return {level.token, level.node};
  }
  bool is_complete(int32_t node) const {
    return levels_.empty() ? !trie_.items(node).empty() : node == std::ssize(levels_);
  }

 private:
  struct Level {
    std::vector<int32_t> token, node;  // tokens ascending, all to one node
  };
  const Trie& trie_;
  std::vector<Level> levels_;  // empty: by the trie
};

}  // namespace tsrec::decode
