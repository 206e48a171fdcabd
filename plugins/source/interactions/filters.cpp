#include "filters.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <tuple>

namespace tsrec::interactions {

int64_t keep_window(std::vector<Event>& events, std::optional<int64_t> since,
                    std::optional<int64_t> until) {
  return static_cast<int64_t>(std::erase_if(events, [&](const Event& event) {
    return (since && event.time < *since) || (until && event.time > *until);
  }));
}

int64_t keep_one_of_repeated(std::vector<Event>& events, bool keeps_first) {
  if (events.size() > std::numeric_limits<uint32_t>::max())
    throw DataError("there are ", events.size(),
                    " events, too many to look for repeated ones; cut the data down by a window, "
                    "or set duplicates = \"keep\"");
  std::vector<uint32_t> order(events.size());
  std::iota(order.begin(), order.end(), 0);
  const auto rank = [&](uint32_t i) {
    return std::tuple(events[i].user, events[i].item, events[i].time, i);
  };
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return rank(a) < rank(b); });
  const auto is_same_pair = [&](size_t a, size_t b) {
    const Event &one = events[order[a]], &other = events[order[b]];
    return one.user == other.user && one.item == other.item;
  };
  std::vector<bool> is_kept(events.size());
  for (size_t i = 0; i < order.size(); ++i) {
    is_kept[order[i]] = keeps_first ? i == 0 || !is_same_pair(i - 1, i)
                                    : i + 1 == order.size() || !is_same_pair(i, i + 1);
  }
  size_t kept = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    if (is_kept[i]) events[kept++] = events[i];
  }
  const auto left_out = static_cast<int64_t>(events.size() - kept);
  events.resize(kept);
  return left_out;
}

int64_t keep_core(std::vector<Event>& events, size_t num_users, size_t num_items, int64_t k_user,
                  int64_t k_item) {
  if (k_user <= 1 && k_item <= 1) return 0;  // who has an event has one
  int64_t left_out = 0, of_round = 0;
  do {
    std::vector<int64_t> of_user(num_users), of_item(num_items);
    for (const Event& event : events) {
      ++of_user[event.user];
      ++of_item[event.item];
    }
    of_round = static_cast<int64_t>(std::erase_if(events, [&](const Event& event) {
      return of_user[event.user] < k_user || of_item[event.item] < k_item;
    }));
    left_out += of_round;
  } while (of_round > 0);
  return left_out;
}

}  // namespace tsrec::interactions
