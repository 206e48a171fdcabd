// The answers of a catalogue, and those that a target is preferred to.
//
// An answer is a SID. So neither the target nor an item that shares its SID is ever a negative: an
// answer that reads as the target's own would teach nothing.
#pragma once

#include <set>

#include "tsrec/data.hpp"
#include "tsrec/trie.hpp"

namespace tsrec::preference {

// One answer for each SID, numbered in the order of their tokens: those that begin alike are
// neighbours.
class Answers {
 public:
  explicit Answers(const Trie& trie);
  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }
  const std::vector<int32_t>& tokens(int64_t answer) const {
    return tokens_[static_cast<size_t>(answer)];
  }
  int64_t find(std::span<const int32_t> tokens) const;  // -1: they are no SID
  // How often each answer is the target of a sample.
  std::vector<int64_t> counts(const Samples& samples) const;
  // begin and end of the answers that share their first `length` tokens with this one.
  std::pair<int64_t, int64_t> alike(int64_t answer, int64_t length) const;

 private:
  void collect(const Trie& trie, int32_t node, std::vector<int32_t>& path);

  std::vector<std::vector<int32_t>> tokens_;
  std::map<int64_t, int64_t> of_item_;
};

// Draws negatives that do not depend on a model.
class Negatives {
 public:
  // random: all answers alike; popular: an answer as often as it is a target of `train`;
  // hard_prefix: those that share the longest beginning with the target, all alike among equals.
  // answers must outlive this.
  Negatives(const Answers& answers, const std::string& kind, const Samples& train);
  // Answers that can be drawn at all.
  int64_t num_possible() const { return num_possible_; }
  // `count` different answers, none of them the target, one after the other out of those that are
  // left. There must be as many: num_possible() > count.
  std::vector<int64_t> draw(int64_t target, int64_t count, at::Generator generator) const;

 private:
  int64_t draw_one(std::pair<int64_t, int64_t> range, const std::set<int64_t>& taken,
                   at::Generator& generator) const;
  int64_t weight(int64_t answer) const;

  const Answers& answers_;
  bool by_prefix_;
  int64_t num_possible_ = 0;
  std::vector<int64_t> line_;  // [answers + 1]: on it an answer is as long as its weight
};

}  // namespace tsrec::preference
