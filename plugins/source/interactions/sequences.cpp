#include "sequences.hpp"

#include <algorithm>
#include <limits>

namespace tsrec::interactions {
namespace {

constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

struct Moment {
  int64_t time;
  uint32_t item;
};

// Numbers in the order of the first call.
class Renumbering {
 public:
  explicit Renumbering(size_t count) : number_(count, kNone) {}
  uint32_t operator()(uint32_t old) {
    if (number_[old] == kNone) {
      number_[old] = static_cast<uint32_t>(old_.size());
      old_.push_back(old);
    }
    return number_[old];
  }
  const std::vector<uint32_t>& old() const { return old_; }

 private:
  std::vector<uint32_t> number_, old_;
};

// The moments of all users, one user behind the other: user u owns begin[u] .. begin[u + 1].
struct Grouped {
  std::vector<Moment> moments;
  std::vector<size_t> begin;
};

Grouped grouped_by_user(const Events& events) {
  Renumbering user_of(events.users.size());
  Grouped grouped;
  grouped.begin.assign(1, 0);
  for (const Event& event : events.list) {
    const size_t user = user_of(event.user);
    if (user + 1 == grouped.begin.size()) grouped.begin.push_back(0);
    ++grouped.begin[user + 1];
  }
  for (size_t user = 1; user < grouped.begin.size(); ++user)
    grouped.begin[user] += grouped.begin[user - 1];
  std::vector<size_t> next(grouped.begin.begin(), grouped.begin.end() - 1);
  grouped.moments.resize(events.list.size());
  for (const Event& event : events.list)
    grouped.moments[next[user_of(event.user)]++] = {event.time, event.item};
  return grouped;
}

// Of milliseconds, whole seconds towards the past.
int64_t seconds(int64_t time) { return time / 1000 - (time % 1000 < 0 ? 1 : 0); }

}  // namespace

Sequences sequences_of(const Events& events, std::optional<size_t> catalogue) {
  Grouped grouped = grouped_by_user(events);
  Renumbering item_of(events.items.size());
  for (size_t item = 0; item < catalogue.value_or(0); ++item) item_of(static_cast<uint32_t>(item));
  Sequences sequences;
  sequences.users.resize(grouped.begin.size() - 1);
  for (size_t u = 0; u < sequences.users.size(); ++u) {
    const std::span<Moment> moments(grouped.moments.data() + grouped.begin[u],
                                    grouped.begin[u + 1] - grouped.begin[u]);
    std::stable_sort(moments.begin(), moments.end(),
                     [](const Moment& a, const Moment& b) { return a.time < b.time; });
    UserSequence& user = sequences.users[u];
    user.user = static_cast<int64_t>(u);
    user.items.reserve(moments.size());
    user.times.reserve(moments.size());
    for (size_t i = 0; i < moments.size(); ++i) {
      user.items.push_back(item_of(moments[i].item));
      user.times.push_back(seconds(moments[i].time));
      sequences.equal_times += i > 0 && moments[i].time == moments[i - 1].time ? 1 : 0;
    }
  }
  for (const uint32_t item : item_of.old()) sequences.keys.emplace_back(events.items.name(item));
  return sequences;
}

}  // namespace tsrec::interactions
