// Events that a data set leaves out.
#pragma once

#include "events.hpp"

namespace tsrec::interactions {

// Each returns how many it left out; what stays keeps its order.

// Before `since` and after `until`; both belong to the window.
int64_t keep_window(std::vector<Event>& events, std::optional<int64_t> since,
                    std::optional<int64_t> until);
// Of the events of a user with one item those that are not the first, or not the last, in time; of
// equal times the earlier line of the file is the earlier event.
int64_t keep_one_of_repeated(std::vector<Event>& events, bool keeps_first);
// The k-core: the largest set of events in which every user has k_user and every item k_item of
// them (method 2.2). Users and items that have too few go, until nobody has. In memory are the
// counts alone; a round costs one pass over what is left, and real data take ten to thirty.
int64_t keep_core(std::vector<Event>& events, size_t num_users, size_t num_items, int64_t k_user,
                  int64_t k_item);

}  // namespace tsrec::interactions
