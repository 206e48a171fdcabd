#include "batches.hpp"

#include <algorithm>
#include <unordered_map>

namespace tsrec::sequential {
namespace {

// A library of products makes code for every number of rows that it meets, and keeps only so much:
// numbers that come again save more time than the rows behind the last sequence cost.
constexpr size_t kRows = 32;

struct Chain {
  std::vector<int64_t> item, label;
};

bool ends_with(const std::vector<int64_t>& items, std::span<const int64_t> end) {
  return end.size() <= items.size() && std::equal(end.rbegin(), end.rend(), items.rbegin());
}

// Windows of at most max_length tokens, the last one full; those without a label teach nothing.
void add_windows(const Chain& chain, int64_t max_length, Sequences& sequences) {
  const auto length = static_cast<int64_t>(chain.item.size());
  for (int64_t begin = 0, end = 0; begin < length; begin = end) {
    end = length - (length - begin - 1) / max_length * max_length;
    const auto labels = std::span(chain.label).subspan(begin, end - begin);
    if (std::all_of(labels.begin(), labels.end(), [](int64_t label) { return label < 0; }))
      continue;
    sequences.item.insert(sequences.item.end(), chain.item.begin() + begin,
                          chain.item.begin() + end);
    sequences.label.insert(sequences.label.end(), labels.begin(), labels.end());
    sequences.offset.push_back(static_cast<int64_t>(sequences.item.size()));
  }
}

}  // namespace

int64_t Sequences::length(int64_t sequence) const {
  return offset[static_cast<size_t>(sequence) + 1] - offset[static_cast<size_t>(sequence)];
}

Sequences whole_sequences(const Samples& samples, int64_t max_length) {
  std::vector<Chain> chains;                     // in the order in which they begin
  std::unordered_map<int64_t, size_t> chain_of;  // of a user: the newest
  for (int64_t row = 0; row < samples.size(); ++row) {
    const std::span<const int64_t> history = samples.history(row);
    if (history.empty()) continue;
    const auto known = chain_of.find(samples.user(row));
    // The newest target of a chain is not one of its tokens yet.
    bool goes_on = false;
    if (known != chain_of.end()) {
      Chain& chain = chains[known->second];
      if (ends_with(chain.item, history) && chain.label.back() == samples.target(row))
        continue;  // the same row again
      chain.item.push_back(chain.label.back());
      goes_on = ends_with(chain.item, history);
      if (!goes_on) chain.item.pop_back();
    }
    if (!goes_on) {
      chain_of[samples.user(row)] = chains.size();
      chains.push_back(
          {{history.begin(), history.end()}, std::vector<int64_t>(history.size() - 1, -1)});
    }
    chains[chain_of[samples.user(row)]].label.push_back(samples.target(row));
  }
  Sequences sequences;
  for (const Chain& chain : chains) add_windows(chain, max_length, sequences);
  return sequences;
}

Sequences single_rows(const Samples& samples, int64_t max_length) {
  Sequences sequences;
  for (int64_t row = 0; row < samples.size(); ++row) {
    const std::span<const int64_t> history = samples.history(row);
    const auto newest = history.last(std::min(history.size(), static_cast<size_t>(max_length)));
    sequences.item.insert(sequences.item.end(), newest.begin(), newest.end());
    sequences.label.resize(sequences.item.size(), -1);
    if (!newest.empty()) sequences.label.back() = samples.target(row);
    sequences.offset.push_back(static_cast<int64_t>(sequences.item.size()));
  }
  return sequences;
}

Batch batch_of(const Sequences& sequences, std::span<const int64_t> chosen) {
  std::vector<int64_t> item, position, at, label;
  Batch batch;
  for (const int64_t sequence : chosen) {
    const int64_t begin = sequences.offset[static_cast<size_t>(sequence)];
    for (int64_t p = 0; p < sequences.length(sequence); ++p) {
      const auto token = static_cast<size_t>(begin + p);
      if (sequences.label[token] >= 0) {
        at.push_back(static_cast<int64_t>(item.size()));
        label.push_back(sequences.label[token]);
      }
      item.push_back(sequences.item[token]);
      position.push_back(p);
    }
    batch.offset_B1.push_back(static_cast<int64_t>(item.size()));
  }
  item.resize((item.size() + kRows - 1) / kRows * kRows, 0);
  position.resize(item.size(), 0);
  batch.item_T = torch::tensor(item, torch::kInt64);
  batch.position_T = torch::tensor(position, torch::kInt64);
  batch.at_R = torch::tensor(at, torch::kInt64);
  batch.label_R = torch::tensor(label, torch::kInt64);
  return batch;
}

Batch batch_of(const Sequences& sequences, int64_t first, int64_t count) {
  std::vector<int64_t> chosen(static_cast<size_t>(count));
  std::iota(chosen.begin(), chosen.end(), first);
  return batch_of(sequences, chosen);
}

}  // namespace tsrec::sequential
