// What an example shows.
#pragma once

#include <gtest/gtest.h>

#include "tsrec/prompt.hpp"

namespace tsrec::test {

// Of a slot that holds SIDs alone.
inline std::vector<int64_t> items_of(const std::vector<Piece>& pieces) {
  std::vector<int64_t> items;
  for (const Piece& piece : pieces) {
    EXPECT_EQ(piece.kind, Piece::Kind::sid);
    items.push_back(piece.item);
  }
  return items;
}

}  // namespace tsrec::test
