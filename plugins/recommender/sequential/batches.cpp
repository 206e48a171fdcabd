#include "batches.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace tsrec::sequential {
namespace {

bool ends_with(const std::vector<int64_t>& items, std::span<const int64_t> end) {
  return end.size() <= items.size() && std::equal(end.rbegin(), end.rend(), items.rbegin());
}

// The newest `count` items of the row's history, and the label behind them.
Tokens newest_of(const Samples& samples, int64_t row, size_t count) {
  const std::span<const int64_t> history = samples.history(row), times = samples.history_times(row);
  const auto newest = history.last(std::min(history.size(), count));
  Tokens tokens{.item = {newest.begin(), newest.end()},
                .label = std::vector<int64_t>(newest.size(), -1)};
  if (newest.empty()) return tokens;
  tokens.label.back() = samples.target(row);
  if (times.empty()) return tokens;
  const auto newest_times = times.last(newest.size());
  tokens.time.assign(newest_times.begin(), newest_times.end());
  tokens.next_time.assign(newest_times.begin() + 1, newest_times.end());
  tokens.next_time.push_back(samples.time_S.const_data_ptr<int64_t>()[row]);
  return tokens;
}

void append(const Tokens& from, int64_t begin, int64_t end, Tokens& to) {
  const auto add = [&](const std::vector<int64_t>& column, std::vector<int64_t>& longer) {
    if (!column.empty()) longer.insert(longer.end(), column.begin() + begin, column.begin() + end);
  };
  add(from.item, to.item);
  add(from.label, to.label);
  add(from.time, to.time);
  add(from.next_time, to.next_time);
}

void add_sequence(const Tokens& tokens, int64_t begin, int64_t end, Sequences& sequences) {
  append(tokens, begin, end, sequences);
  sequences.offset.push_back(static_cast<int64_t>(sequences.item.size()));
}

// Windows of at most max_length tokens, the last one full; those without a label teach nothing.
void add_windows(const Tokens& chain, int64_t max_length, Sequences& sequences) {
  const auto length = static_cast<int64_t>(chain.item.size());
  for (int64_t begin = 0, end = 0; begin < length; begin = end) {
    end = length - (length - begin - 1) / max_length * max_length;
    const auto labels = std::span(chain.label).subspan(begin, end - begin);
    if (std::all_of(labels.begin(), labels.end(), [](int64_t label) { return label < 0; }))
      continue;
    add_sequence(chain, begin, end, sequences);
  }
}

}  // namespace

int64_t Sequences::length(int64_t sequence) const {
  return offset[static_cast<size_t>(sequence) + 1] - offset[static_cast<size_t>(sequence)];
}

Sequences whole_sequences(const Samples& samples, int64_t max_length) {
  std::vector<Tokens> chains;                    // in the order in which they begin
  std::unordered_map<int64_t, size_t> chain_of;  // of a user: the newest
  for (int64_t row = 0; row < samples.size(); ++row) {
    const std::span<const int64_t> history = samples.history(row);
    if (history.empty()) continue;
    const auto known = chain_of.find(samples.user(row));
    if (known != chain_of.end()) {
      Tokens& chain = chains[known->second];
      const int64_t newest_target = chain.label.back();  // which is not one of its tokens yet
      if (ends_with(chain.item, history) && newest_target == samples.target(row))
        continue;  // the same row again
      if (history.back() == newest_target &&
          ends_with(chain.item, history.first(history.size() - 1))) {
        append(newest_of(samples, row, 1), 0, 1, chain);
        continue;
      }
    }
    chain_of[samples.user(row)] = chains.size();
    chains.push_back(newest_of(samples, row, history.size()));
  }
  Sequences sequences;
  for (const Tokens& chain : chains) add_windows(chain, max_length, sequences);
  return sequences;
}

Sequences single_rows(const Samples& samples, int64_t max_length) {
  Sequences sequences;
  for (int64_t row = 0; row < samples.size(); ++row) {
    const Tokens tokens = newest_of(samples, row, static_cast<size_t>(max_length));
    add_sequence(tokens, 0, std::ssize(tokens.item), sequences);
  }
  return sequences;
}

Sequences chosen_of(const Sequences& sequences, std::span<const int64_t> chosen) {
  Sequences some;
  for (const int64_t sequence : chosen) {
    const int64_t begin = sequences.offset[static_cast<size_t>(sequence)];
    add_sequence(sequences, begin, begin + sequences.length(sequence), some);
  }
  return some;
}

Sequences chosen_of(const Sequences& sequences, int64_t first, int64_t count) {
  std::vector<int64_t> chosen(static_cast<size_t>(count));
  std::iota(chosen.begin(), chosen.end(), first);
  return chosen_of(sequences, chosen);
}

size_t whole_rows(size_t count) {
  constexpr size_t kMultiple = 32;
  return (count + kMultiple - 1) / kMultiple * kMultiple;
}

Batch batch_of(const Sequences& sequences) {
  std::vector<int64_t> position, at, label;
  for (int64_t sequence = 0; sequence < sequences.size(); ++sequence) {
    for (int64_t p = 0; p < sequences.length(sequence); ++p) {
      const int64_t of_token = sequences.label[position.size()];
      if (of_token >= 0) {
        at.push_back(std::ssize(position));
        label.push_back(of_token);
      }
      position.push_back(p);
    }
  }
  const size_t rows = whole_rows(position.size());
  const auto padded = [&](std::vector<int64_t> column) {
    column.resize(rows, 0);
    return torch::tensor(column, torch::kInt64);
  };
  Batch batch{.item_T = padded(sequences.item),
              .position_T = padded(position),
              .offset_B1 = sequences.offset,
              .at_R = torch::tensor(at, torch::kInt64),
              .label_R = torch::tensor(label, torch::kInt64)};
  if (!sequences.time.empty()) {
    batch.time_T = padded(sequences.time);
    batch.next_time_T = padded(sequences.next_time);
  }
  return batch;
}

}  // namespace tsrec::sequential
