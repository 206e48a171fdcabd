// Differences over several seeds, for seeds and users that nobody has tried yet.
#pragma once

#include <vector>

#include "support/statistics/bootstrap.hpp"

namespace tsrec::host {

// One method minus another with one seed, row by row (float64), and whose the rows are (int64).
struct SeedRows {
  torch::Tensor difference_S, user_S;
};

// The mean over all rows of all seeds, and how far seeds and users move it. Seeds are a random
// factor: the next one gives another model. The test users of every seed are the same people, so
// seeds and users are crossed, not nested (Owen, 2007): as other people in every seed, what the
// users have in common would seem to average out.
struct MeanOverSeeds {
  double mean = 0;
  int64_t num_seeds = 0, num_users = 0;
  // Of the mean. What seeds and users only move together stands in the seeds' part alone. Both are
  // what the hierarchical bootstrap (seeds drawn, then users, once for all drawn seeds) converges
  // to, stretched by n / (n - 1), which resamples of n lack: so no resample is drawn.
  double variance_of_seeds = 0, variance_of_users = 0;
  double standard_error() const;
};
// Throws Error below two seeds. Without rows, or with one user, nothing is known but the mean.
TSREC_HOST_API MeanOverSeeds mean_over_seeds(const std::vector<SeedRows>& seeds);

// Interval and p by Student's t with Satterthwaite's degrees of freedom: one fewer than there are
// seeds where those decide, one fewer than users where seeds hardly differ. So the test is
// within two per cent of its level from three seeds on (README.md beside this file). With two it
// errs up to twice as often as it should, where they happen to be alike, and shows next to nothing
// elsewhere: 12.7 standard errors to each side. Where rows have no spread at all, p is that of the
// seeds' signs.
TSREC_HOST_API Difference difference_over_seeds(const std::vector<SeedRows>& seeds);

}  // namespace tsrec::host
