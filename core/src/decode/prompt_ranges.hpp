// Prompts in the order and the portions in which they are computed.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::decode {

// Identical prompts once; sorted, so that neighbours share what they begin with.
class DistinctPrompts {
 public:
  // Throws Error for an empty prompt.
  explicit DistinctPrompts(std::span<const std::vector<int32_t>> prompts);
  const std::vector<std::vector<int32_t>>& prompts() const { return prompts_; }
  // The number in prompts() of a row of what was given.
  size_t of(size_t row) const { return number_of_row_[row]; }

 private:
  std::vector<std::vector<int32_t>> prompts_;
  std::vector<size_t> number_of_row_;
};

// What all of the sorted prompts begin with, but never a whole one: its last token has to be
// computed with what follows it.
size_t common_length(std::span<const std::vector<int32_t>> sorted);

struct PromptRange {
  size_t begin = 0, end = 0;
};
struct RangeLimits {
  int64_t tokens = 0, prompts = 0;
};
// Cuts prompts into ranges of one forward each, with at most that many prompts, and tokens behind
// the first `known` ones where neighbours share what they begin with. A longer prompt stands alone.
std::vector<PromptRange> prompt_ranges(std::span<const std::vector<int32_t>> prompts, size_t known,
                                       const RangeLimits& limits);

}  // namespace tsrec::decode
