#include "tsrec/data.hpp"

#include <random>

#include "support/support.hpp"

namespace tsrec::test {
namespace {

std::vector<UserSequence> random_users(int64_t count) {
  std::mt19937 random(9);
  std::vector<UserSequence> users;
  for (int64_t u = 0; u < count; ++u) {
    UserSequence user;
    user.user = 100 + u;
    int64_t time = static_cast<int64_t>(random() % 20);
    for (size_t i = 0, length = 1 + random() % 9; i < length; ++i) {
      user.items.push_back(static_cast<int64_t>(random() % 50));
      user.times.push_back(time += static_cast<int64_t>(random() % 3));
    }
    users.push_back(user);
  }
  return users;
}

std::vector<int64_t> to_vector(std::span<const int64_t> values) {
  return {values.begin(), values.end()};
}

TEST(Items, CopiesShareTheirTextsAndChangeAlone) {
  Items items({"x", "y"});
  items.set("title", {"a", "b"});
  Items copy = items;
  EXPECT_EQ(copy.text("title", 1).data(), items.text("title", 1).data()) << "no text is copied";
  EXPECT_EQ(copy.key(1).data(), items.key(1).data());
  copy.set("title", {"c", "d"});
  copy.set("brand", {"e", "f"});
  EXPECT_EQ(items.text("title", 1), "b");
  EXPECT_EQ(copy.text("title", 1), "d");
  EXPECT_EQ(items.columns(), std::vector<std::string>{"title"});
  EXPECT_EQ(copy.find("y"), 1);
  EXPECT_EQ(Items().size(), 0);
  EXPECT_FALSE(Items().find("x"));
}

TEST(Items, FindsKeysAndTexts) {
  Items items({"x", "y"});
  items.set("title", {"a", "b"});
  EXPECT_EQ(items.find("y"), 1);
  EXPECT_FALSE(items.find("z"));
  EXPECT_EQ(items.text("title", 1), "b");
  EXPECT_EQ(items.text("brand", 1), "");
  EXPECT_EQ(items.columns(), std::vector<std::string>{"title"});
  EXPECT_THROW(items.set("brand", {"one"}), Error);
  EXPECT_NE(message_of<DataError>([] {
              Items twice({"x", "y", "x"});
            }).find("'x' is listed twice"),
            std::string::npos);
}

TEST(Items, CarryTensorsBesideTexts) {
  Items items({"x", "y", "z"});
  items.set("title", {"a", "b", "c"});
  const torch::Tensor image_NCD = torch::rand({3, 2, 5}, at::detail::createCPUGenerator(1));
  items.set_tensor("image", image_NCD);
  items.set_tensor("audio", torch::arange(3));
  EXPECT_TRUE(torch::equal(items.tensor("image"), image_NCD));
  EXPECT_FALSE(items.tensor("video").defined());
  EXPECT_EQ(items.tensor_columns(), (std::vector<std::string>{"audio", "image"}));
  EXPECT_EQ(items.columns(), std::vector<std::string>{"title"});
  EXPECT_EQ(items.text("image", 0), "");

  const auto said = [&](const std::string& column, const torch::Tensor& value) {
    return message_of<Error>([&] { items.set_tensor(column, value); });
  };
  EXPECT_TRUE(contains(said("image", torch::zeros({2, 5})), "one row for each of 3 items"));
  EXPECT_TRUE(contains(said("image", torch::zeros({2, 5})), "[2, 5]"));
  EXPECT_TRUE(contains(said("image", torch::Tensor()), "it has none"));
  EXPECT_TRUE(contains(said("image", torch::tensor(1.0)), "3 items"));
  EXPECT_TRUE(contains(said("image", torch::zeros({3}).to_sparse()), "dense"));
  EXPECT_TRUE(contains(said("title", torch::zeros({3})), "holds texts already"));
  EXPECT_TRUE(contains(message_of<Error>([&] {
                         items.set("audio", {"a", "b", "c"});
                       }),
                       "holds a tensor already"));
  EXPECT_TRUE(torch::equal(items.tensor("image"), image_NCD)) << "a refusal changes nothing";
}

TEST(Splits, LeaveOneOutFollowsItsDefinition) {
  const auto users = random_users(40);
  Dataset data;
  split_leave_one_out(users, /*max_history=*/3, data);
  int64_t train = 0, valid = 0, test = 0;
  for (const UserSequence& user : users) {
    const auto length = static_cast<int64_t>(user.items.size());
    for (int64_t i = 1; i < length; ++i) {
      const bool evaluated = length >= 3;
      const Samples& part = evaluated && i == length - 1   ? data.test
                            : evaluated && i == length - 2 ? data.valid
                                                           : data.train;
      int64_t& row = evaluated && i == length - 1   ? test
                     : evaluated && i == length - 2 ? valid
                                                    : train;
      ASSERT_LT(row, part.size());
      EXPECT_EQ(part.user(row), user.user);
      EXPECT_EQ(part.target(row), user.items[static_cast<size_t>(i)]);
      const std::vector<int64_t> history(user.items.begin() + std::max<int64_t>(0, i - 3),
                                         user.items.begin() + i);
      EXPECT_EQ(to_vector(part.history(row)), history);
      ++row;
    }
  }
  EXPECT_EQ(train, data.train.size());
  EXPECT_EQ(valid, data.valid.size());
  EXPECT_EQ(test, data.test.size());
}

TEST(Splits, HistoriesHaveTimesWhereTimesAreSeconds) {
  const auto users = random_users(40);
  for (const auto split : {split_leave_one_out, split_by_time}) {
    Dataset plain, timed;
    split(users, /*max_history=*/3, plain, Times::order);
    split(users, /*max_history=*/3, timed, Times::seconds);
    for (const Split part : {Split::train, Split::valid, Split::test}) {
      const Samples& rows = timed.split(part);
      EXPECT_FALSE(plain.split(part).history_time_H.defined());
      ASSERT_EQ(rows.history_time_H.sizes(), rows.history_H.sizes());
      EXPECT_TRUE(torch::equal(rows.history_H, plain.split(part).history_H));
      for (int64_t row = 0; row < rows.size(); ++row) {
        const auto user = std::find_if(users.begin(), users.end(), [&](const UserSequence& u) {
          return u.user == rows.user(row);
        });
        // The piece of the user's sequence that this history is: its times are one of those that
        // stand beside these items.
        const auto length = static_cast<int64_t>(rows.history(row).size());
        bool is_found = false;
        for (int64_t end = 1; end < std::ssize(user->items) && !is_found; ++end) {
          const int64_t begin = std::max<int64_t>(0, end - 3);
          is_found = end - begin == length &&
                     to_vector(rows.history(row)) ==
                         std::vector(user->items.begin() + begin, user->items.begin() + end) &&
                     to_vector(rows.history_times(row)) ==
                         std::vector(user->times.begin() + begin, user->times.begin() + end) &&
                     user->items[static_cast<size_t>(end)] == rows.target(row);
        }
        EXPECT_TRUE(is_found) << name(part) << " row " << row;
      }
      const std::vector<int64_t> chosen = {rows.size() - 1, 0};
      const Samples few = rows.rows(chosen);
      EXPECT_EQ(to_vector(few.history_times(0)), to_vector(rows.history_times(chosen[0])));
      EXPECT_EQ(to_vector(few.history_times(1)), to_vector(rows.history_times(chosen[1])));
      EXPECT_FALSE(plain.split(part).rows(chosen).history_time_H.defined());
    }
  }
}

TEST(Samples, TimesOfHistoriesFitEveryHistoryOrNone) {
  SamplesBuilder rows;
  const std::vector<int64_t> two = {4, 5}, times = {10, 20};
  rows.add(0, two, 1, 30, times);
  EXPECT_EQ(to_vector(rows.build().history_times(0)), times);
  rows.add(1, {}, 1, 30);
  EXPECT_TRUE(rows.build().history_times(1).empty());
  rows.add(2, two, 1, 30);
  EXPECT_TRUE(
      contains(message_of<Error>([&] { rows.build(); }), "4 items in their histories and 2 times"));
}

TEST(Splits, GlobalTimeOrdersAllRowsAndCutsAtEightyAndNinetyPercent) {
  const auto users = random_users(60);
  Dataset data;
  split_by_time(users, 10, data);
  std::vector<std::tuple<int64_t, int64_t, size_t>>
      wanted;  // time, user, position: ties keep this order
  for (const UserSequence& user : users) {
    for (size_t i = 1; i < user.items.size(); ++i) wanted.emplace_back(user.times[i], user.user, i);
  }
  std::sort(wanted.begin(), wanted.end());
  const size_t total = wanted.size();
  EXPECT_EQ(data.train.size(), static_cast<int64_t>(total * 8 / 10));
  EXPECT_EQ(data.train.size() + data.valid.size(), static_cast<int64_t>(total * 9 / 10));
  size_t at = 0;
  for (const Samples* part : {&data.train, &data.valid, &data.test}) {
    for (int64_t row = 0; row < part->size(); ++row, ++at) {
      const auto [time, user, position] = wanted[at];
      EXPECT_EQ(part->user(row), user);
      EXPECT_EQ(part->time_S[row].item<int64_t>(), time);
      EXPECT_EQ(part->target(row), users[static_cast<size_t>(user - 100)].items[position]);
      EXPECT_EQ(part->history(row).size(), std::min<size_t>(position, 10));
    }
  }
  EXPECT_EQ(at, total);
}

TEST(Splits, UsersOfOneItemGiveNoRows) {
  const std::vector<UserSequence> users = {{.user = 3, .items = {7}, .times = {1}}};
  Dataset data;
  split_leave_one_out(users, 5, data);
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    const Samples& samples = data.split(split);
    EXPECT_EQ(samples.size(), 0);
    EXPECT_EQ(samples.history_H.numel(), 0);
    EXPECT_TRUE(torch::equal(samples.offset_S1, torch::zeros({1}, torch::kInt64)));
  }
  EXPECT_EQ(data.train.rows({}).size(), 0);
}

TEST(Samples, RowsKeepTheirHistoriesAndTrainingNeverSeesTest) {
  Dataset data;
  split_leave_one_out(random_users(20), 5, data);
  const std::vector<int64_t> chosen = {3, 0, 3};
  const Samples rows = data.train.rows(chosen);
  ASSERT_EQ(rows.size(), 3);
  for (int64_t i = 0; i < 3; ++i) {
    const int64_t row = chosen[static_cast<size_t>(i)];
    EXPECT_EQ(rows.target(i), data.train.target(row));
    EXPECT_EQ(to_vector(rows.history(i)), to_vector(data.train.history(row)));
  }
  EXPECT_EQ(data.without_test().test.size(), 0);
  EXPECT_EQ(data.without_test().valid.size(), data.valid.size());
  EXPECT_EQ(Samples::empty().size(), 0);
}

}  // namespace
}  // namespace tsrec::test
