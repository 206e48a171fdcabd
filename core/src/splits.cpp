// How users' sequences become rows of training, validation and test.
#include "tsrec/data.hpp"

namespace tsrec {
namespace {

// The items before `position`, at most `max_history` of them.
std::span<const int64_t> history_before(const UserSequence& user, size_t position,
                                        int64_t max_history) {
  const size_t length = std::min(position, static_cast<size_t>(max_history));
  return std::span(user.items).subspan(position - length, length);
}

void check(const UserSequence& user) {
  if (user.items.size() != user.times.size()) {
    throw Error("user ", user.user, " has ", user.items.size(), " items and ", user.times.size(),
                " times");
  }
}

}  // namespace

void split_leave_one_out(std::span<const UserSequence> users, int64_t max_history, Dataset& out) {
  SamplesBuilder train, valid, test;
  for (const UserSequence& user : users) {
    check(user);
    const size_t length = user.items.size();
    const bool is_evaluated = length >= 3;
    const size_t train_end = is_evaluated ? length - 2 : length;
    for (size_t position = 1; position < length; ++position) {
      SamplesBuilder& part = position < train_end ? train : position == length - 2 ? valid : test;
      part.add(user.user, history_before(user, position, max_history), user.items[position],
               user.times[position]);
    }
  }
  out.train = train.build();
  out.valid = valid.build();
  out.test = test.build();
}

void split_by_time(std::span<const UserSequence> users, int64_t max_history, Dataset& out) {
  struct Row {
    int64_t time;
    size_t user, position;
  };
  std::vector<Row> rows;
  for (size_t u = 0; u < users.size(); ++u) {
    check(users[u]);
    for (size_t position = 1; position < users[u].items.size(); ++position) {
      rows.push_back({users[u].times[position], u, position});
    }
  }
  // Stable: equal times keep the order of users and of positions.
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.time < b.time; });
  const size_t train_end = rows.size() * 8 / 10, valid_end = rows.size() * 9 / 10;
  SamplesBuilder train, valid, test;
  for (size_t r = 0; r < rows.size(); ++r) {
    const UserSequence& user = users[rows[r].user];
    SamplesBuilder& part = r < train_end ? train : r < valid_end ? valid : test;
    part.add(user.user, history_before(user, rows[r].position, max_history),
             user.items[rows[r].position], rows[r].time);
  }
  out.train = train.build();
  out.valid = valid.build();
  out.test = test.build();
}

}  // namespace tsrec
