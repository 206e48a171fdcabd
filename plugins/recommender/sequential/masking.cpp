#include "masking.hpp"

#include <algorithm>
#include <cmath>

namespace tsrec::sequential {
namespace {

// A sequence's tokens that have a label, in their order.
std::vector<int64_t> labelled(const Sequences& sequences, int64_t sequence) {
  std::vector<int64_t> tokens;
  const int64_t begin = sequences.offset[static_cast<size_t>(sequence)];
  for (int64_t token = begin; token < begin + sequences.length(sequence); ++token) {
    if (sequences.label[static_cast<size_t>(token)] >= 0) tokens.push_back(token);
  }
  return tokens;
}

// `count` of them, those with the lowest draws.
std::vector<int64_t> lowest(std::vector<int64_t> tokens, int64_t count, const float* draw) {
  std::sort(tokens.begin(), tokens.end(),
            [&](int64_t a, int64_t b) { return std::pair(draw[a], a) < std::pair(draw[b], b); });
  tokens.resize(static_cast<size_t>(count));
  return tokens;
}

// chosen: tokens whose labels are masked.
Sequences masked(const Sequences& sequences, const std::vector<int64_t>& chosen, int64_t mask) {
  std::vector<bool> is_chosen(sequences.item.size());
  for (const int64_t token : chosen) is_chosen[static_cast<size_t>(token)] = true;
  Sequences cloze;
  const auto add = [&](int64_t item, int64_t label) {
    cloze.item.push_back(item);
    cloze.label.push_back(label);
  };
  for (int64_t sequence = 0; sequence < sequences.size(); ++sequence) {
    const auto begin = static_cast<size_t>(sequences.offset[static_cast<size_t>(sequence)]),
               end = begin + static_cast<size_t>(sequences.length(sequence));
    if (begin < end) add(sequences.item[begin], -1);
    for (size_t token = begin; token < end; ++token) {
      const int64_t label = sequences.label[token];
      if (is_chosen[token])
        add(mask, label);
      else
        add(token + 1 < end ? sequences.item[token + 1] : label, -1);
    }
    cloze.offset.push_back(static_cast<int64_t>(cloze.item.size()));
  }
  return cloze;
}

}  // namespace

Sequences with_masks(const Sequences& sequences, const MaskOptions& options, int64_t mask,
                     at::Generator generator) {
  const auto num_tokens = static_cast<int64_t>(sequences.item.size());
  const torch::Tensor drawn = torch::rand({num_tokens + sequences.size()}, std::move(generator));
  const float *of_token = drawn.const_data_ptr<float>(), *of_sequence = of_token + num_tokens;
  std::vector<int64_t> chosen;
  for (int64_t sequence = 0; sequence < sequences.size(); ++sequence) {
    const std::vector<int64_t> tokens = labelled(sequences, sequence);
    if (tokens.empty()) continue;
    if (static_cast<double>(of_sequence[sequence]) < options.last_share) {
      chosen.push_back(tokens.back());
      continue;
    }
    const auto count = std::llround(options.share * static_cast<double>(tokens.size()));
    const auto some = lowest(tokens, std::max<int64_t>(1, count), of_token);
    chosen.insert(chosen.end(), some.begin(), some.end());
  }
  return masked(sequences, chosen, mask);
}

Sequences with_last_masked(const Sequences& sequences, int64_t mask) {
  std::vector<int64_t> chosen;
  for (int64_t sequence = 0; sequence < sequences.size(); ++sequence) {
    const std::vector<int64_t> tokens = labelled(sequences, sequence);
    if (!tokens.empty()) chosen.push_back(tokens.back());
  }
  return masked(sequences, chosen, mask);
}

}  // namespace tsrec::sequential
