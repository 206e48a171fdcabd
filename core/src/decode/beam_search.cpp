#include "decode/scorer.hpp"

namespace tsrec::decode {
namespace {

// The next generation of one prompt before it exists: a finished beam as it is, or a child of
// another.
struct Candidate {
  double score;
  uint32_t beam, child;  // child: kItself, or the number of the child
  static constexpr uint32_t kItself = std::numeric_limits<uint32_t>::max();
};

class Generation {
 public:
  explicit Generation(const Scorer& scorer) : scorer_(scorer) {}

  // Candidates of one prompt. scores.of(at) and those behind it belong to its beams with a choice.
  void gather(const Beams& beams, ChildScores& scores, size_t& at) {
    beams_ = &beams;
    candidates_.clear();
    for (uint32_t b = 0; b < beams.size(); ++b) {
      if (scorer_.is_finished(beams[b])) {
        candidates_.push_back({beams[b].score, b, Candidate::kItself});
        continue;
      }
      if (scorer_.is_forced(beams[b])) {
        candidates_.push_back({beams[b].score, b, 0});
        continue;
      }
      const std::span<const double> log_prob = scores.of(at++);
      for (uint32_t c = 0; c < log_prob.size(); ++c)
        candidates_.push_back({beams[b].score + log_prob[c], b, c});
    }
  }

  // The best `width`, best first. `bound` rises to the best score among the others: no SID below
  // them can score more.
  Beams best(size_t width, double& bound) {
    const auto ranks = [this](const Candidate& a, const Candidate& b) { return before(a, b); };
    const size_t kept = std::min(candidates_.size(), width);
    const auto middle = candidates_.begin() + static_cast<std::ptrdiff_t>(kept);
    if (middle != candidates_.end())
      std::nth_element(candidates_.begin(), middle, candidates_.end(), ranks);
    std::sort(candidates_.begin(), middle, ranks);
    if (middle != candidates_.end()) bound = std::max(bound, middle->score);
    Beams chosen;
    chosen.reserve(kept);
    for (auto at = candidates_.begin(); at != middle; ++at) {
      const Beam& parent = (*beams_)[at->beam];
      chosen.push_back(at->child == Candidate::kItself
                           ? parent
                           : scorer_.child(parent, at->child, at->score - parent.score));
      chosen.back().score = at->score;
    }
    return chosen;
  }

 private:
  // No beam's tokens begin with another's, so that those of the parents decide.
  bool before(const Candidate& a, const Candidate& b) const {
    if (a.score != b.score) return a.score > b.score;
    if (a.beam == b.beam) return a.child < b.child;  // children ascend
    return (*beams_)[a.beam].tokens < (*beams_)[b.beam].tokens;
  }

  const Scorer& scorer_;
  const Beams* beams_ = nullptr;
  std::vector<Candidate> candidates_;
};

bool all_finished(const std::vector<Beams>& beams_B, const Scorer& scorer) {
  return std::all_of(beams_B.begin(), beams_B.end(), [&](const Beams& beams) {
    return std::all_of(beams.begin(), beams.end(),
                       [&](const Beam& beam) { return scorer.is_finished(beam); });
  });
}

// Scores of the beams that have a choice, in their order.
ChildScores score_choices(std::vector<Beams>& beams_B, Scorer& scorer) {
  std::vector<Beam*> open;
  for (Beams& beams : beams_B) {
    for (Beam& beam : beams) {
      if (!scorer.is_finished(beam) && !scorer.is_forced(beam)) open.push_back(&beam);
    }
  }
  return open.empty() ? ChildScores() : scorer.child_scores(open);
}

// One draw from softmax(log_prob / temperature).
size_t drawn(std::span<const double> log_prob, double temperature, at::Generator& generator) {
  const double largest = *std::max_element(log_prob.begin(), log_prob.end());
  std::vector<double> running;
  double sum = 0;
  for (const double value : log_prob)
    running.push_back(sum += std::exp((value - largest) / temperature));
  const double point = torch::rand({1}, generator, torch::kFloat64).item<double>() * sum;
  const auto at = std::upper_bound(running.begin(), running.end(), point) - running.begin();
  return std::min(static_cast<size_t>(at), running.size() - 1);
}

void add_suffixes(std::vector<Beams>& beams_B, Scorer& scorer) {
  std::vector<Beam*> all;
  for (Beams& beams : beams_B) {
    for (Beam& beam : beams) all.push_back(&beam);
  }
  scorer.add_suffix_scores(all);
  for (Beams& beams : beams_B) std::stable_sort(beams.begin(), beams.end(), ranks_before);
}

}  // namespace

Found beam_search(Scorer& scorer, const DecodeOptions& options) {
  const auto count = static_cast<size_t>(scorer.num_prompts());
  std::vector<Beams> beams_B(count);
  for (size_t b = 0; b < count; ++b) beams_B[b] = {scorer.start(static_cast<int64_t>(b))};
  std::vector<double> bound_B(count, -std::numeric_limits<double>::infinity());
  Generation generation(scorer);
  while (!all_finished(beams_B, scorer)) {
    ChildScores scores = score_choices(beams_B, scorer);
    size_t at = 0;
    for (size_t b = 0; b < count; ++b) {
      generation.gather(beams_B[b], scores, at);
      beams_B[b] = generation.best(static_cast<size_t>(options.beams), bound_B[b]);
    }
  }
  add_suffixes(beams_B, scorer);
  std::vector<int64_t> certified_B;
  for (size_t b = 0; b < count; ++b) {
    certified_B.push_back(std::count_if(beams_B[b].begin(), beams_B[b].end(),
                                        [&](const Beam& beam) { return beam.score > bound_B[b]; }));
  }
  return {std::move(beams_B), std::move(certified_B)};
}

Found sample(Scorer& scorer, const DecodeOptions& options, at::Generator& generator) {
  std::vector<Beams> beams_B;
  for (int64_t b = 0; b < scorer.num_prompts(); ++b)
    beams_B.emplace_back(static_cast<size_t>(options.beams), scorer.start(b));
  while (!all_finished(beams_B, scorer)) {
    ChildScores scores = score_choices(beams_B, scorer);
    size_t at = 0;
    for (Beams& beams : beams_B) {
      for (Beam& beam : beams) {
        if (scorer.is_finished(beam)) continue;
        if (scorer.is_forced(beam)) {
          beam = scorer.child(beam, 0, /*log_prob=*/0);
          continue;
        }
        const std::span<const double> log_prob = scores.of(at++);
        const size_t chosen = drawn(log_prob, options.temperature, generator);
        beam = scorer.child(beam, chosen, log_prob[chosen]);
      }
    }
  }
  add_suffixes(beams_B, scorer);
  return {std::move(beams_B), {}};
}

}  // namespace tsrec::decode
