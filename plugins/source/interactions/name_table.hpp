// Names of users and items as small numbers.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::interactions {

// Numbers 0, 1, ... in the order in which names came first. A name costs its own bytes and 12 to
// 20 more: its place among the bytes, and a slot of a hash table that is at most half full.
class NameTable {
 public:
  NameTable();
  uint32_t number(std::string_view name);  // that of a new name is the next one
  std::optional<uint32_t> find(std::string_view name) const;
  std::string_view name(uint32_t number) const;
  size_t size() const { return end_.size() - 1; }

 private:
  size_t slot_of(std::string_view name) const;  // that holds it, or is free for it
  void grow();

  std::string bytes_;            // all names, one behind the other
  std::vector<uint64_t> end_;    // name i is bytes end_[i] .. end_[i + 1]
  std::vector<uint32_t> slots_;  // numbers plus one; 0: free
};

}  // namespace tsrec::interactions
