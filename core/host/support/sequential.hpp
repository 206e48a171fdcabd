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

enum class Outcome { open, differs, within_margin };
struct Decision {
  Outcome outcome = Outcome::open;
  double mean = 0;    // over seeds and rows
  Interval interval;  // at the level of this look
  int64_t seeds = 0;  // that were there
};
// The look behind these seeds, two or more. The interval is Student's with one degree of freedom
// less than there are seeds, also where users decide: at the small level of a look it must not rest
// on seeds that happen to be alike.
TSREC_HOST_API Decision decide(const SequentialRule& rule, const std::vector<SeedRows>& seeds);

}  // namespace tsrec::host
