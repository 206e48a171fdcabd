// Neighbouring segments of one length: together they are a dense batch.
#pragma once

#include "tsrec/nn/packed_batch.hpp"

namespace tsrec::nn {

struct EqualRows {
  int64_t begin, rows, length;  // begin: the first one's first token
  int64_t end() const { return begin + rows * length; }
};

inline std::vector<EqualRows> equal_rows(const std::vector<Segment>& segments) {
  std::vector<EqualRows> all;
  for (const Segment& segment : segments) {
    if (!all.empty() && all.back().length == segment.length && all.back().end() == segment.begin)
      ++all.back().rows;
    else
      all.push_back({segment.begin, 1, segment.length});
  }
  return all;
}

}  // namespace tsrec::nn
