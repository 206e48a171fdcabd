// The catalogue cut down to allow-lists: one sub-trie for each list that is asked for.
#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "tsrec/trie.hpp"

namespace tsrec::host::serving {

// Item ids; a list that several requests share is looked at once.
using AllowList = std::shared_ptr<const std::vector<int64_t>>;

// Thread-safe.
class Filters {
 public:
  explicit Filters(std::shared_ptr<const Trie> all) : all_(std::move(all)) {}

  // Null: the whole catalogue. The tries of the last few lists are kept, by their content: order
  // and repetition change nothing. Throws DataError when the list is empty or names no item.
  std::shared_ptr<const Trie> trie_for(const AllowList& allowed) const;

 private:
  struct Kept {
    AllowList asked;             // while it is held here, its address names it
    std::vector<int64_t> items;  // ascending, each once
    std::shared_ptr<const Trie> trie;
  };
  template <class Fits>
  std::shared_ptr<const Trie> found(const Fits& fits) const;
  std::shared_ptr<const Trie> all_;
  mutable std::mutex mutex_;      // of kept_
  mutable std::list<Kept> kept_;  // the newest first
};

}  // namespace tsrec::host::serving
