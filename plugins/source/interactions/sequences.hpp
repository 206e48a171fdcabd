// Events, user by user and in the order of time.
#pragma once

#include "events.hpp"
#include "tsrec/data.hpp"

namespace tsrec::interactions {

struct Sequences {
  std::vector<UserSequence> users;  // times in seconds
  std::vector<std::string> keys;    // of the items, by their number in the sequences
  int64_t equal_times = 0;          // events with the time of their user's event before
};

// Users are numbered in the order of their first event in the file, and items as they come when
// one walks the users in that order (method 2.3), unless `catalogue` says how many of the names
// are the catalogue, in their order. Equal times keep the order of the file.
Sequences sequences_of(const Events& events, std::optional<size_t> catalogue);

}  // namespace tsrec::interactions
