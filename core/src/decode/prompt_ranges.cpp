#include "decode/prompt_ranges.hpp"

#include <algorithm>

namespace tsrec::decode {
namespace {

using Prompt = std::vector<int32_t>;

// Tokens that both begin with.
size_t shared_length(const Prompt& a, const Prompt& b) {
  return static_cast<size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                             a.begin());
}

}  // namespace

DistinctPrompts::DistinctPrompts(std::span<const Prompt> prompts) : number_of_row_(prompts.size()) {
  std::map<Prompt, std::vector<size_t>> rows_of;
  for (size_t row = 0; row < prompts.size(); ++row) {
    if (prompts[row].empty()) throw Error("a prompt needs at least one token");
    rows_of[prompts[row]].push_back(row);
  }
  for (const auto& [prompt, rows] : rows_of) {
    for (const size_t row : rows) number_of_row_[row] = prompts_.size();
    prompts_.push_back(prompt);
  }
}

size_t common_length(std::span<const Prompt> sorted) {
  if (sorted.size() < 2) return 0;
  size_t length = shared_length(sorted.front(), sorted.back());
  for (const Prompt& prompt : sorted) length = std::min(length, prompt.size() - 1);
  return length;
}

std::vector<PromptRange> prompt_ranges(std::span<const Prompt> prompts, size_t known,
                                       const RangeLimits& limits) {
  std::vector<PromptRange> ranges;
  int64_t tokens = 0;
  for (size_t p = 0; p < prompts.size(); ++p) {
    const auto whole = static_cast<int64_t>(prompts[p].size() - known);
    int64_t fresh = whole;
    if (p > 0)
      fresh -=
          static_cast<int64_t>(std::max(known, shared_length(prompts[p - 1], prompts[p])) - known);
    const bool fits = !ranges.empty() && tokens + fresh <= limits.tokens &&
                      static_cast<int64_t>(p - ranges.back().begin) < limits.prompts;
    if (!fits) ranges.push_back({p, p});
    tokens = fits ? tokens + fresh : whole;
    ranges.back().end = p + 1;
  }
  return ranges;
}

}  // namespace tsrec::decode
