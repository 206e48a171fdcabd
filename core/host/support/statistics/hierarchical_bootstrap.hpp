// Differences over several seeds, for seeds and users that nobody has tried yet.
#pragma once

#include "support/statistics/bootstrap.hpp"

namespace tsrec::host {

// Two methods trained with one seed, on the same rows.
struct SeedRows {
  torch::Tensor a_S, b_S, user_S;
};

// b minus a over all rows of all seeds, two or more. Seeds are a random factor: the next one gives
// another model. Each resample draws seeds, and users once for all drawn seeds, because the test
// users of every seed are the same people (they are crossed, not nested: Owen, 2007); as other
// people in every seed, what the users have in common would seem to average out over seeds.
//
// The spread of few seeds is badly known, and no resample shows more than them. So the resamples
// give the standard error alone: how far seeds move the mean, stretched by S / (S - 1), and how far
// users move it, without what seeds and users only move together, which the seeds' part has
// already. Interval and p are Student's t with Satterthwaite's degrees of freedom: one fewer than
// there are seeds where those decide, one fewer than users where seeds hardly differ. So the test
// keeps its level from three seeds on. With two it errs up to twice as often as it should, where
// they happen to be alike, and shows next to nothing elsewhere: 12.7 standard errors to each side.
TSREC_HOST_API Difference hierarchical_bootstrap(const std::vector<SeedRows>& seeds,
                                                 int64_t resamples, uint64_t seed);

}  // namespace tsrec::host
