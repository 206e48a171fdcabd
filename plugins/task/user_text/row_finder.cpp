#include "row_finder.hpp"

namespace tsrec::user_text {
namespace {

std::vector<int64_t> sequence_of(std::span<const int64_t> history, int64_t target) {
  std::vector<int64_t> sequence(history.begin(), history.end());
  sequence.push_back(target);
  return sequence;
}

}  // namespace

RowFinder::RowFinder(const Samples& samples) {
  for (int64_t row = 0; row < samples.size(); ++row) {
    const std::span<const int64_t> history = samples.history(row);
    longest_ = std::max(longest_, history.size());
    row_of_.emplace(sequence_of(history, samples.target(row)), row);
  }
}

std::optional<int64_t> RowFinder::find(std::span<const int64_t> history, int64_t target) const {
  const auto found =
      row_of_.find(sequence_of(history.last(std::min(history.size(), longest_)), target));
  return found == row_of_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace tsrec::user_text
