#include "negatives.hpp"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>

namespace tsrec::preference {

Answers::Answers(const Trie& trie) {
  std::vector<int32_t> path;
  collect(trie, Trie::kRoot, path);
}

// Children are in the order of their tokens, and so are the leaves.
void Answers::collect(const Trie& trie, int32_t node, std::vector<int32_t>& path) {
  if (const auto items = trie.items(node); !items.empty()) {
    for (const int64_t item : items) of_item_[item] = size();
    tokens_.push_back(path);
  }
  const Trie::Children children = trie.children(node);
  for (size_t c = 0; c < children.token.size(); ++c) {
    path.push_back(children.token[c]);
    collect(trie, children.node[c], path);
    path.pop_back();
  }
}

int64_t Answers::find(std::span<const int32_t> tokens) const {
  const auto found = std::lower_bound(
      tokens_.begin(), tokens_.end(), tokens, [](const auto& answer, const auto& wanted) {
        return std::lexicographical_compare(answer.begin(), answer.end(), wanted.begin(),
                                            wanted.end());
      });
  const bool is_there = found != tokens_.end() && std::ranges::equal(*found, tokens);
  return is_there ? found - tokens_.begin() : -1;
}

std::vector<int64_t> Answers::counts(const Samples& samples) const {
  std::vector<int64_t> counts(tokens_.size(), 0);
  for (int64_t row = 0; row < samples.size(); ++row) {
    const auto found = of_item_.find(samples.target(row));
    if (found != of_item_.end()) ++counts[static_cast<size_t>(found->second)];
  }
  return counts;
}

std::pair<int64_t, int64_t> Answers::alike(int64_t answer, int64_t length) const {
  const std::span<const int32_t> wanted =
      std::span(tokens(answer)).first(static_cast<size_t>(length));
  // Before, within or behind the range, by the first tokens alone.
  const auto compared = [&](const std::vector<int32_t>& tokens) {
    const auto [own, other] = std::ranges::mismatch(tokens, wanted);
    if (other == wanted.end()) return 0;
    return own == tokens.end() || *own < *other ? -1 : 1;
  };
  const auto begin = std::ranges::partition_point(
      tokens_, [&](const auto& tokens) { return compared(tokens) < 0; });
  const auto end = std::ranges::partition_point(
      tokens_, [&](const auto& tokens) { return compared(tokens) <= 0; });
  return {begin - tokens_.begin(), end - tokens_.begin()};
}

Negatives::Negatives(const Answers& answers, const std::string& kind, const Samples& train)
    : answers_(answers), by_prefix_(kind == "hard_prefix"), line_{0} {
  const std::vector<int64_t> weights =
      kind == "popular" ? answers.counts(train)
                        : std::vector<int64_t>(static_cast<size_t>(answers.size()), 1);
  for (const int64_t weight : weights) {
    line_.push_back(line_.back() + weight);
    if (weight > 0) ++num_possible_;
  }
}

std::vector<int64_t> Negatives::draw(int64_t target, int64_t count, at::Generator generator) const {
  std::set<int64_t> taken = {target};
  std::vector<int64_t> drawn;
  int64_t shared = by_prefix_ ? static_cast<int64_t>(answers_.tokens(target).size()) - 1 : 0;
  while (static_cast<int64_t>(drawn.size()) < count) {
    const int64_t next = draw_one(answers_.alike(target, shared), taken, generator);
    if (next >= 0) {
      drawn.push_back(next);
      taken.insert(next);
    } else if (--shared < 0) {
      throw Error("there are no ", count, " other answers to draw");
    }
  }
  return drawn;
}

// An answer of the range that is not taken, by weight; -1 when none is left. The line without what
// is taken is as good as the whole one: a place on it is moved on past each piece that was cut out
// before it.
int64_t Negatives::draw_one(std::pair<int64_t, int64_t> range, const std::set<int64_t>& taken,
                            at::Generator& generator) const {
  const auto [begin, end] = range;
  const auto first = taken.lower_bound(begin), last = taken.lower_bound(end);
  int64_t length = line_[static_cast<size_t>(end)] - line_[static_cast<size_t>(begin)];
  for (auto cut = first; cut != last; ++cut) length -= weight(*cut);
  if (length == 0) return -1;
  const uint64_t number = at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
  int64_t place = line_[static_cast<size_t>(begin)] +
                  static_cast<int64_t>(number % static_cast<uint64_t>(length));
  for (auto cut = first; cut != last && line_[static_cast<size_t>(*cut)] <= place; ++cut)
    place += weight(*cut);
  return std::upper_bound(line_.begin(), line_.end(), place) - line_.begin() - 1;
}

int64_t Negatives::weight(int64_t answer) const {
  return line_[static_cast<size_t>(answer) + 1] - line_[static_cast<size_t>(answer)];
}

}  // namespace tsrec::preference
