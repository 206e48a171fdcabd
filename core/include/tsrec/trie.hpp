// The catalogue as a prefix tree over token ids (CSR). Root: the state after the response marker;
// leaf: a SID with its items.
#pragma once

#include "tsrec/sid.hpp"

namespace tsrec {

class TSREC_API Trie {
 public:
  // Throws DataError when one SID is the beginning of another, or the vocabulary lacks a code.
  static Trie build(const SidTable& sids, const Vocabulary& vocabulary);
  Trie restricted_to(std::span<const int64_t> items)
      const;  // an allow-list; throws DataError when nothing remains
  struct Children {
    std::span<const int32_t> token, node;
  };
  static constexpr int32_t kRoot = 0;
  Children children(int32_t node) const;                // one contiguous run, tokens ascending
  int32_t walk(std::span<const int32_t> tokens) const;  // from the root; -1: no such prefix
  int32_t leaf(std::span<const int32_t> tokens) const;  // that they spell; -1: they are no SID
  std::span<const int64_t> items(
      int32_t node) const;                 // items whose SID ends here; empty at inner nodes
  int64_t leaf_group(int32_t node) const;  // SidTable::group_N of the items here; -1 at inner nodes
  int64_t num_nodes() const;               // without the root
  int64_t num_leaves() const;
  int64_t depth() const;

 private:
  friend struct TrieBuilder;
  std::vector<int32_t> offset_, token_, node_;
  std::vector<int64_t> item_offset_, item_, group_;
  int64_t depth_ = 0, num_leaves_ = 0;
};

}  // namespace tsrec
