// How users' sequences become rows of training, validation and test.
#include <functional>
#include <map>

#include "row_writer.hpp"

namespace tsrec {
namespace {

// The values before `position`, at most `max_history` of them.
std::span<const int64_t> history_before(const std::vector<int64_t>& values, size_t position,
                                        int64_t max_history) {
  const size_t length = std::min(position, static_cast<size_t>(max_history));
  return std::span(values).subspan(position - length, length);
}

void check(const UserSequence& user) {
  if (user.items.size() != user.times.size()) {
    throw Error("user ", user.user, " has ", user.items.size(), " items and ", user.times.size(),
                " times");
  }
}

// Sees one row after the other: its split, its user and which of the user's items is the target.
using SeeRow = std::function<void(Split split, const UserSequence& user, size_t position)>;

// The same walk twice: to count the rows, and to write them.
void write_splits(const std::function<void(const SeeRow&)>& walk, int64_t max_history, Dataset& out,
                  Times times) {
  std::map<Split, RowCounts> counts;
  for (const Split split : {Split::train, Split::valid, Split::test})
    counts[split].has_history_times = times == Times::seconds;
  walk([&](Split split, const UserSequence& user, size_t position) {
    counts[split].add(history_before(user.items, position, max_history));
  });
  RowWriter train(counts[Split::train]), valid(counts[Split::valid]), test(counts[Split::test]);
  walk([&](Split split, const UserSequence& user, size_t position) {
    RowWriter& part = split == Split::train ? train : split == Split::valid ? valid : test;
    part.add(user.user, history_before(user.items, position, max_history), user.items[position],
             user.times[position], history_before(user.times, position, max_history));
  });
  out.train = train.samples();
  out.valid = valid.samples();
  out.test = test.samples();
}

}  // namespace

void split_leave_one_out(std::span<const UserSequence> users, int64_t max_history, Dataset& out,
                         Times times) {
  const auto walk = [&](const SeeRow& see) {
    for (const UserSequence& user : users) {
      check(user);
      const size_t length = user.items.size();
      const bool is_evaluated = length >= 3;
      const size_t train_end = is_evaluated ? length - 2 : length;
      for (size_t position = 1; position < length; ++position) {
        see(position < train_end     ? Split::train
            : position == length - 2 ? Split::valid
                                     : Split::test,
            user, position);
      }
    }
  };
  write_splits(walk, max_history, out, times);
}

void split_by_time(std::span<const UserSequence> users, int64_t max_history, Dataset& out,
                   Times times) {
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
  const auto walk = [&](const SeeRow& see) {
    for (size_t r = 0; r < rows.size(); ++r) {
      see(r < train_end   ? Split::train
          : r < valid_end ? Split::valid
                          : Split::test,
          users[rows[r].user], rows[r].position);
    }
  };
  write_splits(walk, max_history, out, times);
}

}  // namespace tsrec
