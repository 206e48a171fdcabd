// Adding seeds until a difference is decided, without more false positives for looking often.
//
// Seeds are a random factor, and so are users, who are the same under every seed: both variances
// stand in the interval. Its level at each look is what alpha spending leaves for it (Lan and
// DeMets, 1983, with their function of Pocock's kind): alpha ln(1 + (e - 1) t) may be spent when
// the share t of the seeds is there. The looks share users, so their increments are not
// independent, which the bounds of Pocock and of O'Brien and Fleming suppose. What is spent between
// two looks is therefore the level of the later one as it stands, and so is its part for each of
// several comparisons: by Boole's inequality the chance of any false positive is at most alpha,
// however looks depend.
#pragma once

#include <vector>

#include "support/statistics.hpp"

namespace tsrec::host {

struct SequentialRule {
  double margin = 0;  // differences within it count as none
  int64_t min_seeds = 3, max_seeds = 10;
  int64_t comparisons = 1;  // that are decided by the same seeds
  double level = 0.05;      // of all looks at all comparisons
};

// Of one comparison, at the look behind so many seeds.
TSREC_HOST_API double level_of_look(const SequentialRule& rule, int64_t seeds);

// The rows of a difference under one seed, and whose they are.
struct SeedRows {
  torch::Tensor value_S, user_S;
};
// Of the mean over seeds and rows: Student's, with one degree of freedom less than there are seeds.
// Its variance is that of the seeds' means plus that of the users' (the part that both hold counts
// twice, which errs on the safe side). Throws Error below two seeds.
struct MeanOverSeeds {
  double mean = 0;
  Interval interval;
};
TSREC_HOST_API MeanOverSeeds mean_over_seeds(const std::vector<SeedRows>& seeds, double level);

enum class Verdict { open, differs, within_margin };
struct Decision {
  Verdict verdict = Verdict::open;
  MeanOverSeeds difference;
  int64_t seeds = 0;  // that were there
};
// The look behind these seeds.
TSREC_HOST_API Decision decide(const SequentialRule& rule, const std::vector<SeedRows>& seeds);

}  // namespace tsrec::host
