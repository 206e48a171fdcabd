// Intervals and tests for per-row numbers. Rows of one user belong together, so users are
// resampled, not rows.
#pragma once

#include <optional>

#include "support/api.hpp"
#include "tsrec/error.hpp"

namespace tsrec::host {

struct Interval {
  double low = 0, high = 0;
};
// Percentile 95 % interval of the mean of value_S (float64) over resamples of users.
TSREC_HOST_API Interval bootstrap_mean(const torch::Tensor& value_S, const torch::Tensor& user_S,
                                       int64_t resamples, uint64_t seed);

// b minus a, on the same rows: mean, interval, and the two-sided bootstrap p-value of "no
// difference".
struct Difference {
  double mean = 0, p = 1;
  Interval interval;
};
TSREC_HOST_API Difference paired_bootstrap(const torch::Tensor& a_S, const torch::Tensor& b_S,
                                           const torch::Tensor& user_S, int64_t resamples,
                                           uint64_t seed);

// Exact McNemar test on two hit vectors: p = 2 P(Bin(b + c, 1/2) <= min(b, c)), at most 1.
TSREC_HOST_API double mcnemar(const torch::Tensor& a_S, const torch::Tensor& b_S);
// Share of the rows that are a hit in one of the two vectors only: what McNemar's test looks at.
TSREC_HOST_API double discordance(const torch::Tensor& a_S, const torch::Tensor& b_S);
// The smallest difference of two hit rates that McNemar's test on `rows` pairs finds at the level
// of 5 % four times in five, where that share of the pairs differs (Connor, 1987, solved for
// the difference). None where not even pairs that all differ one way would be enough.
TSREC_HOST_API std::optional<double> detectable_difference(int64_t rows, double discordance);
// Holm's step-down adjustment, in the order given.
TSREC_HOST_API std::vector<double> holm(const std::vector<double>& p);

}  // namespace tsrec::host
