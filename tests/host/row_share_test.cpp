// A share of the training rows by time: no row in two shares that meet, and all of them in one.
#include "pipeline/row_share.hpp"

#include <random>

#include "support/support.hpp"

namespace tsrec::test {
namespace {

using host::RowShare;

std::mt19937_64& numbers() {
  static std::mt19937_64 random(std::random_device{}());
  return random;
}

int64_t below(int64_t end) {
  return static_cast<int64_t>(numbers()() % static_cast<uint64_t>(end));
}

// The row's own number is its target.
Dataset random_data(int64_t rows, int64_t times) {
  SamplesBuilder train;
  for (int64_t row = 0; row < rows; ++row) {
    const std::vector<int64_t> history = {below(5), below(5)};
    train.add(below(7), history, row, below(times));
  }
  Dataset data;
  data.train = train.build();
  data.valid = data.test = Samples::empty();
  return data;
}

std::vector<int64_t> rows_of(const Dataset& data, const std::string& share) {
  const Dataset part = host::with_rows(data, *RowShare::parse(share));
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < part.train.size(); ++row) {
    const int64_t whole = part.train.target(row);
    EXPECT_EQ(part.train.user(row), data.train.user(whole));
    EXPECT_TRUE(std::ranges::equal(part.train.history(row), data.train.history(whole)));
    rows.push_back(whole);
  }
  return rows;
}

TEST(RowShare, FirstAndLastMeetBetweenTwoRows) {
  for (int trial = 0; trial < 100; ++trial) {
    const int64_t percent = 1 + below(99);
    const Dataset data = random_data(below(40), 1 + below(12));
    const std::string share = c10::str("first:0.", percent < 10 ? "0" : "", percent),
                      rest = c10::str("last:0.", percent > 90 ? "0" : "", 100 - percent);
    const std::vector<int64_t> first = rows_of(data, share), last = rows_of(data, rest);
    // By hand: all rows in time, the split's order where times are equal, cut once.
    std::vector<std::pair<int64_t, int64_t>> in_time;
    for (int64_t row = 0; row < data.train.size(); ++row)
      in_time.emplace_back(data.train.time_S[row].item<int64_t>(), row);
    std::sort(in_time.begin(), in_time.end());
    const auto cut = static_cast<size_t>((data.train.size() * percent + 50) / 100);
    std::set<int64_t> wanted;
    for (size_t place = 0; place < cut; ++place) wanted.insert(in_time[place].second);
    EXPECT_EQ(std::set<int64_t>(first.begin(), first.end()), wanted) << share;
    EXPECT_EQ(first.size(), cut);
    EXPECT_TRUE(std::is_sorted(first.begin(), first.end())) << "in the order of the split";
    std::set<int64_t> all = wanted;
    for (const int64_t row : last) EXPECT_TRUE(all.insert(row).second) << "row " << row << " twice";
    EXPECT_EQ(all.size(), in_time.size()) << share << " " << rest;
    const RowShare a = *RowShare::parse(share), b = *RowShare::parse(rest);
    EXPECT_EQ(host::shared_rows(a, b, data.train.size()), 0);
    EXPECT_EQ(host::shared_rows(a, RowShare(), data.train.size()), static_cast<int64_t>(cut));
  }
}

TEST(RowShare, SharesThatOverlapSayByHowMuch) {
  const Dataset data = random_data(200, 50);
  for (const auto& [one, other] : std::vector<std::pair<std::string, std::string>>{
           {"first:0.6", "last:0.7"}, {"first:0.6", "first:0.2"}, {"last:0.35", "first:0.7"}}) {
    const std::vector<int64_t> a = rows_of(data, one), b = rows_of(data, other);
    std::vector<int64_t> both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    EXPECT_EQ(host::shared_rows(*RowShare::parse(one), *RowShare::parse(other), 200),
              static_cast<int64_t>(both.size()));
  }
}

TEST(RowShare, AllIsTheSameData) {
  const Dataset data = random_data(20, 5);
  EXPECT_EQ(rows_of(data, "all").size(), 20u);
  EXPECT_EQ(RowShare::parse("first:0.8")->of(5'000'000'000'001).size(), 4'000'000'000'001);
}

TEST(RowShare, WhatIsNoShareIsNotRead) {
  for (const char* text :
       {"", "first", "last:", "first:0", "first:1", "last:1.5", "last:-0.2", "middle:0.5",
        "first:0.5x", "first: 0.5", "All", "first:nan", "first:1e-9", "last:0.99999999"})
    EXPECT_FALSE(RowShare::parse(text)) << text;
}

}  // namespace
}  // namespace tsrec::test
