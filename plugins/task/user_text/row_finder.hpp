// Finds a row of a split by what it holds, since files of other makers do not number our rows.
#pragma once

#include "tsrec/data.hpp"

namespace tsrec::user_text {

class RowFinder {
 public:
  explicit RowFinder(const Samples& samples);
  // The first row with this target whose history is this one, or its newest items where the source
  // cut it.
  std::optional<int64_t> find(std::span<const int64_t> history, int64_t target) const;

 private:
  size_t longest_ = 0;                              // history
  std::map<std::vector<int64_t>, int64_t> row_of_;  // by history and target behind it
};

}  // namespace tsrec::user_text
