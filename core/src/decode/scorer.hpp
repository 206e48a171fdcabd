// The model's side of every search: computes the tokens of partial SIDs and scores what may follow
// them.
#pragma once

#include "decode/continuations.hpp"
#include "decode/search.hpp"
#include "tsrec/context.hpp"

namespace tsrec::decode {

// Log-probabilities of the legal children of several beams, each in ascending order of their
// tokens.
class ChildScores {
 public:
  void start_beam() { begin_.push_back(value_.size()); }
  void add(double log_prob) { value_.push_back(log_prob); }
  std::span<double> of(size_t beam) {
    const size_t end = beam + 1 < begin_.size() ? begin_[beam + 1] : value_.size();
    return std::span(value_).subspan(begin_[beam], end - begin_[beam]);
  }

 private:
  std::vector<double> value_;
  std::vector<size_t> begin_;
};

class Scorer {
 public:
  // Without gradients, on a detached state. The arguments must outlive it.
  Scorer(const nn::LanguageModel& model, const Continuations& continuations,
         const DecodeOptions& options, const nn::Prefilled& prompts, Context& context);

  int64_t num_prompts() const { return static_cast<int64_t>(segment_B_.size()); }
  // The empty completion of prompt b.
  Beam start(int64_t b) const;
  bool is_finished(const Beam& beam) const { return continuations_.is_complete(beam.node); }
  // `legal` scores nothing where there is no choice: the only child follows at no cost, and the
  // token is computed only if something behind it must be chosen.
  bool is_forced(const Beam& beam) const {
    return options_.scoring == Scoring::legal &&
           continuations_.children(beam.node).token.size() == 1;
  }
  // `parent` with its child number `which`.
  Beam child(const Beam& parent, size_t which, double log_prob) const;
  // Scores the children of beams that have a choice; computes their tokens first.
  ChildScores child_scores(std::span<Beam* const> beams);
  // Whether the forced tokens behind a SID count.
  bool scores_suffix() const {
    return options_.scoring == Scoring::full && !options_.suffix.empty();
  }
  // Adds their log-probabilities to finished beams.
  void add_suffix_scores(std::span<Beam* const> beams);

 private:
  void compute(std::span<Beam* const> beams);

  const nn::LanguageModel& model_;
  const Continuations& continuations_;
  const DecodeOptions& options_;
  Context& context_;
  nn::State state_;
  torch::Tensor hidden_HD_;  // of the prompts' ends, then of the last forward
  const std::vector<int32_t>& segment_B_;
};

}  // namespace tsrec::decode
