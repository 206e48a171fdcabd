#include "row_writer.hpp"

#include <algorithm>

namespace tsrec {
namespace {

Samples room_for(const RowCounts& counts) {
  const auto numbers = [](int64_t count) { return torch::empty({count}, torch::kInt64); };
  return {.user_S = numbers(counts.rows),
          .target_S = numbers(counts.rows),
          .time_S = numbers(counts.rows),
          .history_H = numbers(counts.entries),
          .offset_S1 = numbers(counts.rows + 1),
          .history_time_H = counts.has_history_times ? numbers(counts.entries) : torch::Tensor()};
}

}  // namespace

RowWriter::RowWriter(const RowCounts& counts)
    : samples_(room_for(counts)),
      user_(samples_.user_S.mutable_data_ptr<int64_t>()),
      target_(samples_.target_S.mutable_data_ptr<int64_t>()),
      time_(samples_.time_S.mutable_data_ptr<int64_t>()),
      history_(samples_.history_H.mutable_data_ptr<int64_t>()),
      offset_(samples_.offset_S1.mutable_data_ptr<int64_t>()) {
  *offset_++ = 0;
  if (counts.has_history_times) history_time_ = samples_.history_time_H.mutable_data_ptr<int64_t>();
}

void RowWriter::add(int64_t user, std::span<const int64_t> history, int64_t target, int64_t time,
                    std::span<const int64_t> history_times) {
  *user_++ = user;
  *target_++ = target;
  *time_++ = time;
  history_ = std::copy(history.begin(), history.end(), history_);
  if (history_time_ != nullptr)
    history_time_ = std::copy(history_times.begin(), history_times.end(), history_time_);
  *offset_++ = entries_ += std::ssize(history);
}

}  // namespace tsrec
