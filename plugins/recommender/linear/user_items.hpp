// What each user has of the training rows, as a set.
#pragma once

#include "tsrec/data.hpp"

namespace tsrec::linear {

// Lists of numbers, one behind the other: list i is value_E[offset_I1[i] .. offset_I1[i + 1]).
struct Lists {
  std::vector<int64_t> offset_I1 = {0}, value_E;
  int64_t size() const { return std::ssize(offset_I1) - 1; }
  std::span<const int64_t> of(int64_t list) const;
};

// Of every user of the rows, by number: the distinct items of all histories and targets, ascending.
Lists items_of_users(const Samples& rows);
// The same the other way round: of each of the N items the users that have it, ascending, by their
// place in `items_of_users`.
Lists users_of_items(const Lists& items_of_users, int64_t num_items);

}  // namespace tsrec::linear
