#include "user_items.hpp"

#include <algorithm>
#include <numeric>

namespace tsrec::linear {

std::span<const int64_t> Lists::of(int64_t list) const {
  const int64_t begin = offset_I1[static_cast<size_t>(list)];
  return std::span(value_E).subspan(
      static_cast<size_t>(begin),
      static_cast<size_t>(offset_I1[static_cast<size_t>(list) + 1] - begin));
}

Lists items_of_users(const Samples& rows) {
  std::vector<int64_t> by_user(static_cast<size_t>(rows.size()));
  std::iota(by_user.begin(), by_user.end(), 0);
  std::stable_sort(by_user.begin(), by_user.end(),
                   [&](int64_t a, int64_t b) { return rows.user(a) < rows.user(b); });
  Lists lists;
  std::vector<int64_t> items;
  for (size_t i = 0; i < by_user.size(); ++i) {
    const auto history = rows.history(by_user[i]);
    items.insert(items.end(), history.begin(), history.end());
    items.push_back(rows.target(by_user[i]));
    if (i + 1 < by_user.size() && rows.user(by_user[i + 1]) == rows.user(by_user[i])) continue;
    std::sort(items.begin(), items.end());
    items.erase(std::unique(items.begin(), items.end()), items.end());
    lists.value_E.insert(lists.value_E.end(), items.begin(), items.end());
    lists.offset_I1.push_back(std::ssize(lists.value_E));
    items.clear();
  }
  return lists;
}

Lists users_of_items(const Lists& items_of_users, int64_t num_items) {
  Lists lists;
  lists.offset_I1.assign(static_cast<size_t>(num_items) + 1, 0);
  lists.value_E.resize(items_of_users.value_E.size());
  for (const int64_t item : items_of_users.value_E)
    ++lists.offset_I1[static_cast<size_t>(item) + 1];
  std::partial_sum(lists.offset_I1.begin(), lists.offset_I1.end(), lists.offset_I1.begin());
  std::vector<int64_t> next = lists.offset_I1;
  for (int64_t user = 0; user < items_of_users.size(); ++user) {
    for (const int64_t item : items_of_users.of(user))
      lists.value_E[static_cast<size_t>(next[static_cast<size_t>(item)]++)] = user;
  }
  return lists;
}

}  // namespace tsrec::linear
