// Which training rows a stage trains on: rows = "all", "first:0.8" or "last:0.2" of them by time.
// What one stage leaves out, a later one can train on without having seen it.
#pragma once

#include <optional>
#include <string>

#include "support/api.hpp"
#include "tsrec/data.hpp"

namespace tsrec::host {

struct TSREC_HOST_API RowShare {
  enum class End : uint8_t { all, first, last } end = End::all;
  int64_t millionths = 1000000;

  // Empty when the text is none of the three, or its share not between 0 and 1.
  static std::optional<RowShare> parse(const std::string& text);

  // Places in time, [begin, end), of `count` rows. "first:A" and "last:B" with A + B = 1 meet
  // between two rows, whatever the count.
  struct Places {
    int64_t begin = 0, end = 0;
    int64_t size() const { return end - begin; }
  };
  Places of(int64_t count) const;
};

// How many rows two shares of one split have in common.
TSREC_HOST_API int64_t shared_rows(const RowShare& a, const RowShare& b, int64_t count);

// The same data with that share of the training rows, in their order; rows of one time stand in
// time as they stand in the split.
TSREC_HOST_API Dataset with_rows(const Dataset& data, const RowShare& share);

}  // namespace tsrec::host
