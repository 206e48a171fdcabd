// Sequences of items without padding: all tokens of a batch behind each other.
#pragma once

#include "tsrec/data.hpp"

namespace tsrec::sequential {

// Columns, oldest token first. label: the item that is to be learnt or asked about at this token,
// that of the next one; else -1. time, next_time: seconds of the token's event and of the one
// behind it, which for the newest token is what the row asks about; empty where the rows know no
// times.
struct Tokens {
  std::vector<int64_t> item = {}, label = {}, time = {}, next_time = {};
};

// Sequence b owns the tokens offset[b] .. offset[b + 1] - 1.
struct Sequences : Tokens {
  std::vector<int64_t> offset{0};
  int64_t size() const { return static_cast<int64_t>(offset.size()) - 1; }
  int64_t length(int64_t sequence) const;
};

// Whole sequences out of rows: a row whose history is what its user's rows before it end with goes
// on with their sequence, and its target is one more label in it; any other row begins a sequence
// of its own. So rows that are all prefixes of one sequence give that sequence once, and every
// distinct (history, target) is one label. Histories that were cut to their newest items are found
// to go on as well: their labels then see the older items too. More than max_length tokens are cut
// into windows, the last of them full. Rows without a history are left out: nothing predicts them.
Sequences whole_sequences(const Samples& samples, int64_t max_length);

// A sequence for each row: the last max_length items of its history, and one label behind them. A
// row without a history is a sequence without tokens.
Sequences single_rows(const Samples& samples, int64_t max_length);

// These sequences alone.
Sequences chosen_of(const Sequences& sequences, std::span<const int64_t> chosen);
// Of first .. first + count - 1.
Sequences chosen_of(const Sequences& sequences, int64_t first, int64_t count);

// So many rows or a few more, a multiple of 32: a library of products makes code for every number
// of rows that it meets, and keeps only so much; numbers that come again save more time than the
// rows behind the last one cost.
size_t whole_rows(size_t count);

struct Batch {
  // int64; positions count from the start of the sequence. T is a multiple of 32: up to 31 tokens
  // behind the last sequence are of none.
  torch::Tensor item_T, position_T;
  torch::Tensor time_T = {}, next_time_T = {};  // seconds; undefined where the rows know none
  std::vector<int64_t> offset_B1{0};
  torch::Tensor at_R, label_R;  // int64: the labelled tokens, and their labels
  int64_t num_tokens() const { return offset_B1.back(); }
};
Batch batch_of(const Sequences& sequences);

}  // namespace tsrec::sequential
