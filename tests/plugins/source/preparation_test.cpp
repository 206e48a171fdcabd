// What all sources of interactions do with events, against brute force on fresh random events.
#include <random>
#include <set>

#include "loading.hpp"

namespace tsrec::test {
namespace {

struct RandomEvent {
  std::string user, item;
  int64_t time;
};
using RandomEvents = std::vector<RandomEvent>;

// Few times, so that many are equal; a few users and items have most of the events.
RandomEvents random_events(uint64_t seed, int64_t count = 300, int64_t users = 25,
                           int64_t items = 30) {
  std::mt19937_64 draw(seed);
  const auto below = [&](int64_t most) {
    return std::min<int64_t>(static_cast<int64_t>(draw() % static_cast<uint64_t>(most)),
                             static_cast<int64_t>(draw() % static_cast<uint64_t>(most)));
  };
  RandomEvents events;
  for (int64_t i = 0; i < count; ++i)
    events.push_back({c10::str("u", below(users)), c10::str("i", below(items)), 1000 + below(60)});
  return events;
}

std::string csv_of(const RandomEvents& events) {
  std::string bytes = "user_id,item_id,timestamp\n";
  for (const RandomEvent& event : events)
    bytes += c10::str(event.user, ",", event.item, ",", event.time, "\n");
  return bytes;
}

Dataset loaded_events(const RandomEvents& events, OptionTexts options) {
  const TempFolder folder;
  options["file"] = folder.write("events.csv", csv_of(events)).string();
  return loaded("csv", options);
}

// One user or item that has too few goes, chosen at random, until there is none.
RandomEvents core_by_brute_force(RandomEvents events, int64_t k_user, int64_t k_item,
                                 std::mt19937_64& draw) {
  while (true) {
    std::map<std::string, int64_t> of_user, of_item;
    for (const RandomEvent& event : events) ++of_user[event.user], ++of_item[event.item];
    std::vector<std::string> weak;
    for (const auto& [name, count] : of_user)
      if (count < k_user) weak.push_back(name);
    for (const auto& [name, count] : of_item)
      if (count < k_item) weak.push_back(name);
    if (weak.empty()) return events;
    const std::string& gone = weak[draw() % weak.size()];
    std::erase_if(events, [&](const RandomEvent& e) { return e.user == gone || e.item == gone; });
  }
}

struct BruteForce {
  std::vector<std::string> keys;
  std::vector<PlainRow> train, valid, test;
};

// Method 2.3 and 2.4, row by row.
BruteForce split_by_brute_force(const RandomEvents& events, const std::string& split, size_t most) {
  std::vector<std::string> users;
  std::map<std::string, RandomEvents> of;
  for (const RandomEvent& event : events) {
    if (!of.contains(event.user)) users.push_back(event.user);
    of[event.user].push_back(event);
  }
  BruteForce data;
  std::vector<PlainRow> all;
  std::set<std::string> known;
  for (size_t u = 0; u < users.size(); ++u) {
    RandomEvents& own = of[users[u]];
    std::stable_sort(own.begin(), own.end(),
                     [](const RandomEvent& a, const RandomEvent& b) { return a.time < b.time; });
    std::vector<std::string> items;
    for (const RandomEvent& event : own) {
      if (known.insert(event.item).second) data.keys.push_back(event.item);
      if (!items.empty()) {
        PlainRow row{static_cast<int64_t>(u), items, event.item, event.time};
        if (items.size() > most)
          row.history.assign(items.end() - static_cast<std::ptrdiff_t>(most), items.end());
        const size_t left = own.size() - items.size();  // with this one
        const bool is_evaluated = own.size() >= 3 && split == "leave_one_out";
        (is_evaluated && left == 1   ? data.test
         : is_evaluated && left == 2 ? data.valid
                                     : all)
            .push_back(row);
      }
      items.push_back(event.item);
    }
  }
  if (split == "leave_one_out") {
    data.train = all;
    return data;
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const PlainRow& a, const PlainRow& b) { return a.time < b.time; });
  for (size_t row = 0; row < all.size(); ++row)
    (row < all.size() * 8 / 10   ? data.train
     : row < all.size() * 9 / 10 ? data.valid
                                 : data.test)
        .push_back(all[row]);
  return data;
}

void expect_equal(const Dataset& data, const BruteForce& expected) {
  EXPECT_EQ(plain_keys(data.items), expected.keys);
  EXPECT_EQ(plain(data.train, data.items), expected.train);
  EXPECT_EQ(plain(data.valid, data.items), expected.valid);
  EXPECT_EQ(plain(data.test, data.items), expected.test);
}

TEST(Preparation, CoreAndSplitAreThoseOfBruteForce) {
  std::random_device fresh;
  for (int round = 0; round < 12; ++round) {
    const uint64_t seed = fresh();
    SCOPED_TRACE(c10::str("seed ", seed));
    std::mt19937_64 draw(seed);
    const RandomEvents events = random_events(seed);
    const auto k_user = static_cast<int64_t>(1 + draw() % 6);
    const auto k_item = static_cast<int64_t>(1 + draw() % 6);
    const auto most = static_cast<size_t>(1 + draw() % 8);
    const RandomEvents core = core_by_brute_force(events, k_user, k_item, draw);
    ASSERT_FALSE(core.empty());
    for (const std::string split : {"leave_one_out", "global_time"}) {
      SCOPED_TRACE(split);
      const Dataset data = loaded_events(events, {{"k_user", std::to_string(k_user)},
                                                  {"k_item", std::to_string(k_item)},
                                                  {"max_history", std::to_string(most)},
                                                  {"split", split}});
      expect_equal(data, split_by_brute_force(core, split, most));
      const auto left_out = data.remarks.find("events outside of the k-core, left out");
      EXPECT_EQ(left_out == data.remarks.end() ? 0 : left_out->second,
                static_cast<int64_t>(events.size() - core.size()));
    }
  }
}

TEST(Preparation, OfRepeatedEventsTheFirstOrTheLastStays) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(c10::str("seed ", seed));
  const RandomEvents events = random_events(seed);
  for (const bool keeps_first : {true, false}) {
    RandomEvents kept;
    for (size_t i = 0; i < events.size(); ++i) {
      bool is_kept = true;
      for (size_t j = 0; j < events.size(); ++j) {
        if (j == i || events[j].user != events[i].user || events[j].item != events[i].item)
          continue;
        const auto rank = [&](size_t at) { return std::pair(events[at].time, at); };
        is_kept = is_kept && (keeps_first ? rank(i) < rank(j) : rank(i) > rank(j));
      }
      if (is_kept) kept.push_back(events[i]);
    }
    ASSERT_LT(kept.size(), events.size());
    const Dataset data = loaded_events(
        events, {{"duplicates", keeps_first ? "first" : "last"}, {"max_history", "20"}});
    expect_equal(data, split_by_brute_force(kept, "leave_one_out", 20));
  }
}

TEST(Preparation, RowsOfOneTimeMayStayOnOneSideOfACut) {
  const RandomEvents events = random_events(std::random_device()());
  const Dataset data =
      loaded_events(events, {{"split", "global_time"}, {"boundary_ties", "same_side"}});
  const Dataset by_row = loaded_events(events, {{"split", "global_time"}});
  EXPECT_LT(data.train.time_S.max().item<int64_t>(), data.valid.time_S.min().item<int64_t>());
  EXPECT_LT(data.valid.time_S.max().item<int64_t>(), data.test.time_S.min().item<int64_t>());
  EXPECT_GE(data.train.size(), by_row.train.size());
  const auto all = [](const Dataset& from) {
    std::vector<PlainRow> rows = plain(from.train, from.items);
    for (const Samples* samples : {&from.valid, &from.test})
      for (const PlainRow& row : plain(*samples, from.items)) rows.push_back(row);
    return rows;
  };
  EXPECT_EQ(all(data), all(by_row)) << "no row is lost, and their order is the same";
}

TEST(Preparation, BothEndsBelongToTheWindow) {
  RandomEvents events;
  const int64_t october = 1475280000, november = 1541030400;  // 2016-10-01, 2018-11-01
  for (const int64_t time :
       {october - 1, october, october + 5, november - 9, november, november + 1})
    events.push_back({"u", c10::str("t", time), time});
  const Dataset data = loaded_events(events, {{"since", "2016-10"}, {"until", "2018-11"}});
  EXPECT_EQ(data.items.size(), 4);
  EXPECT_EQ(data.test.time_S[0].item<int64_t>(), november);
  EXPECT_EQ(data.remarks.at("events outside of the time window, left out"), 2);
  EXPECT_TRUE(contains(message_of<Error>([&] {
                         loaded_events(events, {{"since", "2020"}});
                       }),
                       "lies in the window of `since` and `until`; its times are 2016-09-30 .. "
                       "2018-11-01"));
  EXPECT_TRUE(contains(message_of<Error>([&] {
                         loaded_events(events, {{"since", "10/2016"}});
                       }),
                       "since = \"10/2016\" is no date; expected a year, a month or a day"));
}

TEST(Preparation, EqualTimesAreCountedAndKeepTheOrderOfTheFile) {
  const Dataset data = loaded_events(
      {{"u", "c", 7}, {"u", "a", 7}, {"v", "a", 1}, {"u", "b", 7}, {"u", "first", 6}}, {});
  ASSERT_EQ(data.test.size(), 1);
  EXPECT_EQ(plain(data.test, data.items)[0].history, (std::vector<std::string>{"first", "c", "a"}));
  EXPECT_EQ(data.remarks.at("events at the time of their user's event before, in the order of the "
                            "file"),
            2);
}

TEST(Preparation, OneUserAndOneItemAreEnough) {
  const RandomEvents events(4, {"only", "thing", 5});
  const Dataset data = loaded_events(events, {});
  EXPECT_EQ(data.items.size(), 1);
  EXPECT_EQ(data.train.size(), 1);
  EXPECT_EQ(plain(data.test, data.items)[0].history, std::vector<std::string>(3, "thing"));
}

TEST(Preparation, NothingLeftIsRefusedWithWhatToDo) {
  const RandomEvents few = {{"u", "a", 1}, {"u", "b", 2}, {"v", "a", 3}};
  const auto complaint = [&](const OptionTexts& options) {
    return message_of<DataError>([&] { loaded_events(few, options); });
  };
  EXPECT_TRUE(contains(complaint({{"k_user", "3"}}),
                       "has no core of 3 events for each user and 1 for each item: nothing is left "
                       "of 2 users, 2 items and 3 events; lower `k_user` and `k_item`"));
  EXPECT_TRUE(contains(complaint({}),
                       "has 3 events of 2 users left, which gives 1 rows to train and 0 to test "
                       "on; leave_one_out needs a user with four events"));
  EXPECT_TRUE(contains(complaint({{"split", "global_time"}}), "global_time needs ten rows"));
  EXPECT_TRUE(contains(message_of<ConfigError>([&] {
                         loaded_events(few, {{"boundary_ties", "same_side"}});
                       }),
                       "boundary_ties is about the cuts of split = \"global_time\""));
}

TEST(Preparation, AStopIsHeardInLongFiles) {
  const TempFolder folder;
  std::string bytes = "user_id,item_id,timestamp\n";
  for (int i = 0; i < 70000; ++i) bytes += "u,i,5\n";
  const std::string file = folder.write("long.csv", bytes).string();
  TestContext context;
  const auto source = make_part<Source>("csv", context, {{"file", file}});
  EXPECT_NO_THROW(source->load(context));
  EXPECT_EQ(context.complaint(), "");
  context.stop = true;
  EXPECT_THROW(source->load(context), Interrupted);
}

}  // namespace
}  // namespace tsrec::test
