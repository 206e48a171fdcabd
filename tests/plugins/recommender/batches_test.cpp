// Sequences out of rows, token by token.
#include "../../../plugins/recommender/sequential/batches.hpp"

#include "plugins/recommender/sequential_world.hpp"

namespace tsrec::test {
namespace {

using sequential::Batch;
using sequential::Sequences;
using sequential::single_rows;
using sequential::whole_sequences;

// A user's events: item i at times[i], no item twice.
Samples rows_of(const std::vector<int64_t>& times, int64_t max_history) {
  UserSequence user;
  for (size_t i = 0; i < times.size(); ++i) user.items.push_back(static_cast<int64_t>(i));
  user.times = times;
  Dataset data;
  split_leave_one_out(std::span(&user, 1), max_history, data, Times::seconds);
  return data.train;
}

// Whatever is done with the rows, a token's time is that of its item, and the next is that of its
// label.
void expect_times(const Sequences& sequences, const std::vector<int64_t>& times) {
  ASSERT_EQ(sequences.time.size(), sequences.item.size());
  ASSERT_EQ(sequences.next_time.size(), sequences.item.size());
  for (size_t t = 0; t < sequences.item.size(); ++t) {
    const auto item = static_cast<size_t>(sequences.item[t]);
    EXPECT_EQ(sequences.time[t], times[item]);
    EXPECT_EQ(sequences.next_time[t], times[item + 1]);
    if (sequences.label[t] >= 0) {
      EXPECT_EQ(sequences.label[t], sequences.item[t] + 1);
    }
  }
}

TEST(Batches, TokensHaveTheirTimesHoweverRowsBecomeSequences) {
  const std::vector<int64_t> times = {7, 7, 30, 31, 500, 4000, 4001, 90000, 90009, 100000};
  for (const int64_t max_history : {3, 50}) {
    const Samples rows = rows_of(times, max_history);
    for (const int64_t max_length : {2, 3, 50}) {
      const Sequences whole = whole_sequences(rows, max_length);
      EXPECT_EQ(whole.item.size(), 7);  // but the last event, and the two of the other splits
      expect_times(whole, times);
      expect_times(single_rows(rows, max_length), times);
      const Batch batch = batch_of(whole);
      EXPECT_EQ(batch.time_T.sizes(), batch.item_T.sizes());
      EXPECT_EQ(vector_of(batch.time_T.slice(0, 0, 7)), whole.time);
      EXPECT_EQ(vector_of(batch.next_time_T.slice(0, 0, 7)), whole.next_time);
    }
  }
}

TEST(Batches, RowsWithoutTimesGiveTokensWithoutTimes) {
  Samples rows = rows_of({1, 2, 3, 4, 5, 6}, 50);
  const Sequences timed = whole_sequences(rows, 50);
  rows.history_time_H = torch::Tensor();
  const Sequences plain = whole_sequences(rows, 50);
  EXPECT_EQ(plain.item, timed.item);
  EXPECT_EQ(plain.label, timed.label);
  EXPECT_TRUE(plain.time.empty() && plain.next_time.empty());
  EXPECT_FALSE(batch_of(plain).time_T.defined());
}

}  // namespace
}  // namespace tsrec::test
