// Rows whose number is known beforehand, written where they stay: what grows holds them twice, and
// of some data sets there is no room for that.
#pragma once

#include "tsrec/data.hpp"

namespace tsrec {

struct RowCounts {
  int64_t rows = 0, entries = 0;  // entries: of all histories
  bool has_history_times = false;
  void add(std::span<const int64_t> history) {
    ++rows;
    entries += std::ssize(history);
  }
};

class RowWriter {
 public:
  explicit RowWriter(const RowCounts& counts);
  // history_times: looked at where the rows have them.
  void add(int64_t user, std::span<const int64_t> history, int64_t target, int64_t time,
           std::span<const int64_t> history_times);
  const Samples& samples() const { return samples_; }  // whole once all rows are added

 private:
  Samples samples_;
  int64_t *user_, *target_, *time_, *history_, *offset_;  // of the next row
  int64_t* history_time_ = nullptr;                       // null: the rows have none
  int64_t entries_ = 0;
};

}  // namespace tsrec
