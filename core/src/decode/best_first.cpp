// Exact top-K: the partial SIDs with the best scores first, until no open one can reach the K-th
// complete one. Scores only fall on the way down, so that nothing better can be below.
#include "decode/scorer.hpp"

namespace tsrec::decode {
namespace {

// Of one prompt. A complete SID stays open until its forced tokens are scored, where they count.
class Frontier {
 public:
  Frontier(Beam start, size_t wanted) : wanted_(wanted) { open_.push_back(std::move(start)); }

  // The best open ones that may still matter; they are no longer open. Several at once make the
  // forward worth its while, more would be computed in vain. A search that has needed many will
  // need more: of a model that hardly prefers anything, most of the trie.
  Beams take() {
    constexpr size_t kAtOnce = 8;
    const size_t most = std::max(kAtOnce, num_taken_ / 2);
    Beams taken;
    while (taken.size() < most && !open_.empty() && matters(open_.front())) {
      std::pop_heap(open_.begin(), open_.end(), ranks_behind);
      taken.push_back(std::move(open_.back()));
      open_.pop_back();
    }
    num_taken_ += taken.size();
    return taken;
  }

  void add_open(Beam beam) {
    if (!matters(beam)) return;
    open_.push_back(std::move(beam));
    std::push_heap(open_.begin(), open_.end(), ranks_behind);
  }

  void add_complete(Beam beam) {
    best_.insert(std::upper_bound(best_.begin(), best_.end(), beam, ranks_before), std::move(beam));
    if (best_.size() > wanted_) best_.pop_back();
  }

  Beams best() && { return std::move(best_); }

 private:
  static bool ranks_behind(const Beam& a, const Beam& b) { return ranks_before(b, a); }
  // At an equal score the smaller token ids win, and those below are not known yet.
  bool matters(const Beam& beam) const {
    return best_.size() < wanted_ || beam.score >= best_.back().score;
  }

  size_t wanted_, num_taken_ = 0;
  Beams open_;  // a heap, best first
  Beams best_;  // sorted
};

}  // namespace

Found best_first_search(Scorer& scorer, const DecodeOptions& options) {
  const auto count = static_cast<size_t>(scorer.num_prompts());
  std::vector<Frontier> frontier_B;
  for (size_t b = 0; b < count; ++b)
    frontier_B.emplace_back(scorer.start(static_cast<int64_t>(b)),
                            static_cast<size_t>(options.beams));
  while (true) {
    std::vector<Beams> taken_B;
    std::vector<Beam*> inner, complete;
    for (Frontier& frontier : frontier_B) {
      taken_B.push_back(frontier.take());
      for (Beam& beam : taken_B.back())
        (scorer.is_finished(beam) ? complete : inner).push_back(&beam);
    }
    if (inner.empty() && complete.empty()) break;
    scorer.add_suffix_scores(complete);
    ChildScores scores = inner.empty() ? ChildScores() : scorer.child_scores(inner);
    size_t at = 0;
    for (size_t b = 0; b < count; ++b) {
      for (Beam& beam : taken_B[b]) {
        if (scorer.is_finished(beam)) {
          frontier_B[b].add_complete(std::move(beam));
          continue;
        }
        const std::span<const double> log_prob = scores.of(at++);
        for (size_t c = 0; c < log_prob.size(); ++c) {
          Beam child = scorer.child(beam, c, log_prob[c]);
          while (!scorer.is_finished(child) && scorer.is_forced(child))
            child = scorer.child(child, 0, /*log_prob=*/0);
          if (scorer.is_finished(child) && !scorer.scores_suffix()) {
            frontier_B[b].add_complete(std::move(child));
          } else {
            frontier_B[b].add_open(std::move(child));
          }
        }
      }
    }
  }
  Found found;
  for (Frontier& frontier : frontier_B) {
    found.beams_B.push_back(std::move(frontier).best());
    found.certified_B.push_back(static_cast<int64_t>(found.beams_B.back().size()));
  }
  return found;
}

}  // namespace tsrec::decode
