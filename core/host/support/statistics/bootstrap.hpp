// Means and differences of means by resampling users.
#pragma once

#include <vector>

#include "support/api.hpp"
#include "tsrec/error.hpp"

namespace tsrec::host {

struct Interval {
  double low = 0, high = 0;
};
// Percentile 95 % interval of the mean of value_S (float64) over resamples of users.
TSREC_HOST_API Interval bootstrap_mean(const torch::Tensor& value_S, const torch::Tensor& user_S,
                                       int64_t resamples, uint64_t seed);
// The same for each row of value_CS [C, S], with the same draws, which are made once.
TSREC_HOST_API std::vector<Interval> bootstrap_means(const torch::Tensor& value_CS,
                                                     const torch::Tensor& user_S, int64_t resamples,
                                                     uint64_t seed);

// b minus a, on the same rows.
struct Difference {
  double mean = 0, p = 1;  // two-sided p of "no difference"
  Interval interval;       // 95 %
  // Of the mean, and how many degrees of freedom it is known with. 0: there were too few users.
  double standard_error = 0, degrees = 0;
};
// Percentile interval, and the p-value of the resamples: the share of their means that lie on the
// other side of 0, twice.
TSREC_HOST_API Difference paired_bootstrap(const torch::Tensor& a_S, const torch::Tensor& b_S,
                                           const torch::Tensor& user_S, int64_t resamples,
                                           uint64_t seed);
// The same of each row of difference_CS [C, S], with the same draws, which are made once.
TSREC_HOST_API std::vector<Difference> paired_bootstraps(const torch::Tensor& difference_CS,
                                                         const torch::Tensor& user_S,
                                                         int64_t resamples, uint64_t seed);

}  // namespace tsrec::host
