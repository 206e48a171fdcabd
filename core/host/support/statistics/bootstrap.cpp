#include "support/statistics/bootstrap.hpp"

#include <algorithm>

#include "support/statistics/user_sums.hpp"

namespace tsrec::host {
namespace {

// Means of each number's resamples, ascending.
std::vector<std::vector<double>> resampled_means(const UserSums& sums, int64_t resamples,
                                                 uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  const int64_t users = sums.num_users();
  std::vector<std::vector<double>> means(static_cast<size_t>(sums.num_numbers));
  std::vector<double> total(means.size());
  for (int64_t r = 0; r < resamples; ++r) {
    const torch::Tensor drawn_U = torch::randint(users, {users}, generator, torch::kInt64);
    const int64_t* drawn = drawn_U.const_data_ptr<int64_t>();
    std::fill(total.begin(), total.end(), 0.0);
    double count = 0;
    for (int64_t i = 0; i < users; ++i) {
      for (size_t c = 0; c < total.size(); ++c)
        total[c] += sums.sum(drawn[i], static_cast<int64_t>(c));
      count += sums.count(drawn[i]);
    }
    for (size_t c = 0; c < total.size(); ++c) means[c].push_back(total[c] / count);
  }
  for (std::vector<double>& of_number : means) std::sort(of_number.begin(), of_number.end());
  return means;
}

double quantile(const std::vector<double>& sorted, double share) {
  const auto at = static_cast<size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted[at];
}

Interval percentile_interval(const std::vector<double>& sorted) {
  return {quantile(sorted, 0.025), quantile(sorted, 0.975)};
}

double p_of_no_difference(const std::vector<double>& sorted) {
  const auto at_most = std::upper_bound(sorted.begin(), sorted.end(), 0.0) - sorted.begin();
  const auto below = std::lower_bound(sorted.begin(), sorted.end(), 0.0) - sorted.begin();
  const double tail =
      static_cast<double>(std::min<int64_t>(at_most, static_cast<int64_t>(sorted.size()) - below));
  return std::min(1.0, 2 * (tail + 1) / static_cast<double>(sorted.size() + 1));
}

}  // namespace

std::vector<Interval> bootstrap_means(const torch::Tensor& value_CS, const torch::Tensor& user_S,
                                      int64_t resamples, uint64_t seed) {
  std::vector<Interval> intervals;
  if (value_CS.size(1) == 0 || resamples < 1)
    return std::vector<Interval>(static_cast<size_t>(value_CS.size(0)));
  for (const std::vector<double>& means :
       resampled_means(user_sums(value_CS, user_S), resamples, seed))
    intervals.push_back(percentile_interval(means));
  return intervals;
}

Interval bootstrap_mean(const torch::Tensor& value_S, const torch::Tensor& user_S,
                        int64_t resamples, uint64_t seed) {
  return bootstrap_means(value_S.unsqueeze(0), user_S, resamples, seed).front();
}

Difference paired_bootstrap(const torch::Tensor& a_S, const torch::Tensor& b_S,
                            const torch::Tensor& user_S, int64_t resamples, uint64_t seed) {
  const torch::Tensor difference_S = b_S.to(torch::kFloat64) - a_S.to(torch::kFloat64);
  return paired_bootstraps(difference_S.unsqueeze(0), user_S, resamples, seed).front();
}

std::vector<Difference> paired_bootstraps(const torch::Tensor& difference_CS,
                                          const torch::Tensor& user_S, int64_t resamples,
                                          uint64_t seed) {
  std::vector<Difference> results(static_cast<size_t>(difference_CS.size(0)));
  if (difference_CS.size(1) == 0) return results;
  for (size_t c = 0; c < results.size(); ++c) {
    const torch::Tensor difference_S = difference_CS[static_cast<int64_t>(c)];
    const UserSums sums = user_sums(difference_S.unsqueeze(0), user_S);
    results[c].mean = difference_S.mean().item<double>();
    results[c].standard_error = standard_error(sums);
    results[c].degrees = static_cast<double>(sums.num_users() - 1);
  }
  if (resamples < 1) return results;
  // All resamples of what differs in no row are alike.
  if (!difference_CS.any().item<bool>()) return results;
  const auto means_C = resampled_means(user_sums(difference_CS, user_S), resamples, seed);
  for (size_t c = 0; c < results.size(); ++c) {
    results[c].interval = percentile_interval(means_C[c]);
    results[c].p = p_of_no_difference(means_C[c]);
  }
  return results;
}

}  // namespace tsrec::host
