#include "preparation.hpp"

#include <algorithm>

#include "filters.hpp"
#include "sequences.hpp"
#include "times.hpp"

namespace tsrec::interactions {
namespace {

std::string complaint_about_date(const char* option, const std::string& date) {
  if (date.empty() || beginning_of(date)) return "";
  return c10::str(option, " = \"", date,
                  "\" is no date; expected a year, a month or a day, such as \"2018-11\"");
}

std::optional<int64_t> bound(const std::string& date) {
  return date.empty() ? std::nullopt : beginning_of(date);
}

void remark(Remarks& remarks, const char* what, int64_t count) {
  if (count > 0) remarks[what] += count;
}

struct Named {
  int64_t users, items;
};

Named counted(const Events& events) {
  std::vector<bool> user(events.users.size()), item(events.items.size());
  for (const Event& event : events.list) user[event.user] = item[event.item] = true;
  return {std::count(user.begin(), user.end(), true), std::count(item.begin(), item.end(), true)};
}

std::vector<int64_t> numbers(int64_t from, int64_t to) {
  std::vector<int64_t> rows;
  for (int64_t row = from; row < to; ++row) rows.push_back(row);
  return rows;
}

// The rows of `later` that are as early as the last one of `earlier` move over to it; both are in
// the order of time.
void move_equal_times(Samples& earlier, Samples& later) {
  if (earlier.size() == 0 || later.size() == 0) return;
  const int64_t last = earlier.time_S[-1].item<int64_t>();
  const int64_t* const time = later.time_S.const_data_ptr<int64_t>();
  const int64_t moved = std::upper_bound(time, time + later.size(), last) - time;
  if (moved == 0) return;
  SamplesBuilder both;
  const auto add = [&](const Samples& from, int64_t end) {
    for (int64_t row = 0; row < end; ++row)
      both.add(from.user(row), from.history(row), from.target(row),
               from.time_S.const_data_ptr<int64_t>()[row], from.history_times(row));
  };
  add(earlier, earlier.size());
  add(later, moved);
  earlier = both.build();
  later = later.rows(numbers(moved, later.size()));
}

}  // namespace

void Preparation::declare(Options& o, const std::vector<std::string>& splits) {
  o.add("min_rating", min_rating)
      .help("leave out events with a lower rating, or none; 0: keep all");
  o.add("since", since)
      .help("leave out earlier events: 2016, 2016-10 or 2016-10-01, where that begins in UTC")
      .check([this] { return complaint_about_date("since", since); });
  o.add("until", until)
      .help("leave out later events; the beginning of the date (00:00 UTC) still belongs to it")
      .check([this] { return complaint_about_date("until", until); });
  o.add("duplicates", duplicates)
      .one_of({"keep", "first", "last"})
      .help("of a user's events with one item, keep all, the first or the last in time");
  o.add("k_user", k_user)
      .range(1, 1'000'000)
      .unit("events")
      .help("k-core: users with fewer events go, until all have as many");
  o.add("k_item", k_item).range(1, 1'000'000).unit("events").help("the same for items");
  std::vector<std::string> names = {"leave_one_out", "global_time"};
  names.insert(names.end(), splits.begin(), splits.end());
  o.add("split", split)
      .one_of(names)
      .help(
          std::string("leave_one_out: last item test, second last validation; global_time: every "
                      "item but a user's first with the items before it, all rows in the order of "
                      "time, 8 : 1 : 1, as MiniOneRec does") +
          (splits.empty() ? "" : "; files: the rows of NAME.train.inter and so on"));
  o.add("boundary_ties", boundary_ties)
      .one_of({"by_row", "same_side"})
      .help(
          "global_time, where rows of one time lie on both sides of a cut: by_row leaves them "
          "(MiniOneRec); same_side moves them before it, so that no row is as early as one trained "
          "on")
      .check([this] {
        return boundary_ties == "same_side" && split != "global_time"
                   ? "boundary_ties is about the cuts of split = \"global_time\"; leave one of the "
                     "two out"
                   : "";
      });
  o.add("max_history", max_history)
      .range(1, 10000)
      .unit("items")
      .help("older items of a history are dropped");
}

bool Preparation::leaves_out() const {
  return asks_for_times() || asks_for_ratings() || duplicates != "keep" || k_user > 1 || k_item > 1;
}

void Preparation::filter(Events& events, const std::string& what, Remarks& remarks) const {
  if (events.list.empty())
    throw DataError(what,
                    " holds no event that could be used; expected a line for each event, "
                    "with user, item and time");
  const auto [first, last] =
      std::minmax_element(events.list.begin(), events.list.end(),
                          [](const Event& a, const Event& b) { return a.time < b.time; });
  const std::string span = day_text(first->time) + " .. " + day_text(last->time);
  remark(remarks, "events outside of the time window, left out",
         keep_window(events.list, bound(since), bound(until)));
  if (events.list.empty())
    throw DataError("no event of ", what,
                    " lies in the window of `since` and `until`; its times are ", span,
                    ", so choose a window there, or the right unit of time");
  if (duplicates != "keep")
    remark(remarks, "repeated events of a user with an item, left out",
           keep_one_of_repeated(events.list, duplicates == "first"));
  const Named before = counted(events);
  const int64_t left_out =
      keep_core(events.list, events.users.size(), events.items.size(), k_user, k_item);
  if (events.list.empty())
    throw DataError(what, " has no core of ", k_user, " events for each user and ", k_item,
                    " for each item: nothing is left of ", before.users, " users, ", before.items,
                    " items and ", left_out, " events; lower `k_user` and `k_item`");
  const Named after = counted(events);
  remark(remarks, "events outside of the k-core, left out", left_out);
  remark(remarks, "users outside of the k-core, left out", before.users - after.users);
  remark(remarks, "items outside of the k-core, left out", before.items - after.items);
}

Dataset Preparation::prepared(Events events, std::optional<size_t> catalogue,
                              const std::string& what, Remarks remarks, Context& context) const {
  filter(events, what, remarks);
  Sequences sequences = sequences_of(events, catalogue);
  const size_t num_events = events.list.size();
  const Times times = events.times;
  events = {};
  Dataset data;
  data.items = Items(std::move(sequences.keys));
  if (split == "leave_one_out") {
    split_leave_one_out(sequences.users, max_history, data, times);
  } else {
    split_by_time(sequences.users, max_history, data, times);
    if (boundary_ties == "same_side") {
      move_equal_times(data.train, data.valid);
      move_equal_times(data.valid, data.test);
    }
  }
  if (data.train.size() == 0 || data.test.size() == 0)
    throw DataError(what, " has ", num_events, " events of ", sequences.users.size(),
                    " users left, which gives ", data.train.size(), " rows to train and ",
                    data.test.size(), " to test on; ",
                    split == "leave_one_out"
                        ? "leave_one_out needs a user with four events (three to be tested on)"
                        : "global_time needs ten rows, and not all at one time",
                    ": bring more data, leave out less, or choose another split");
  remark(remarks, "events at the time of their user's event before, in the order of the file",
         sequences.equal_times);
  data.remarks = std::move(remarks);
  context.log(Level::info, c10::str(num_events, " events of ", sequences.users.size(),
                                    " users and ", data.items.size(), " items: ", data.train.size(),
                                    " / ", data.valid.size(), " / ", data.test.size(), " rows"));
  return data;
}

}  // namespace tsrec::interactions
