#include "support/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace tsrec::host {
namespace {

struct Cluster {
  double sum = 0, count = 0;
};

std::vector<Cluster> clusters_of(const torch::Tensor& value_S, const torch::Tensor& user_S) {
  std::map<int64_t, Cluster> by_user;
  const torch::Tensor values = value_S.to(torch::kFloat64).contiguous();
  for (int64_t row = 0; row < values.size(0); ++row) {
    Cluster& cluster = by_user[user_S.const_data_ptr<int64_t>()[row]];
    cluster.sum += values.const_data_ptr<double>()[row];
    ++cluster.count;
  }
  std::vector<Cluster> clusters;
  for (const auto& [user, cluster] : by_user) clusters.push_back(cluster);
  return clusters;
}

// Means of the resamples, ascending.
std::vector<double> resampled_means(const std::vector<Cluster>& clusters, int64_t resamples,
                                    uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  const auto count = static_cast<int64_t>(clusters.size());
  std::vector<double> means;
  for (int64_t r = 0; r < resamples; ++r) {
    const torch::Tensor drawn = torch::randint(count, {count}, generator, torch::kInt64);
    Cluster total;
    for (int64_t i = 0; i < count; ++i) {
      const Cluster& cluster = clusters[static_cast<size_t>(drawn.const_data_ptr<int64_t>()[i])];
      total.sum += cluster.sum;
      total.count += cluster.count;
    }
    means.push_back(total.sum / total.count);
  }
  std::sort(means.begin(), means.end());
  return means;
}

double quantile(const std::vector<double>& sorted, double share) {
  const auto at = static_cast<size_t>(share * static_cast<double>(sorted.size() - 1) + 0.5);
  return sorted[at];
}

// Where items share one SID, a row's value is the chance of a hit.
torch::Tensor is_hit(const torch::Tensor& value_S) { return value_S > 0.5; }

}  // namespace

Interval bootstrap_mean(const torch::Tensor& value_S, const torch::Tensor& user_S,
                        int64_t resamples, uint64_t seed) {
  if (value_S.size(0) == 0 || resamples < 1) return {};
  const std::vector<double> means = resampled_means(clusters_of(value_S, user_S), resamples, seed);
  return {quantile(means, 0.025), quantile(means, 0.975)};
}

Difference paired_bootstrap(const torch::Tensor& a_S, const torch::Tensor& b_S,
                            const torch::Tensor& user_S, int64_t resamples, uint64_t seed) {
  const torch::Tensor difference_S = b_S.to(torch::kFloat64) - a_S.to(torch::kFloat64);
  Difference result;
  if (difference_S.size(0) == 0) return result;
  result.mean = difference_S.mean().item<double>();
  if (resamples < 1) return result;
  const std::vector<double> means =
      resampled_means(clusters_of(difference_S, user_S), resamples, seed);
  result.interval = {quantile(means, 0.025), quantile(means, 0.975)};
  const auto at_most = std::upper_bound(means.begin(), means.end(), 0.0) - means.begin();
  const auto below = std::lower_bound(means.begin(), means.end(), 0.0) - means.begin();
  const double tail =
      static_cast<double>(std::min<int64_t>(at_most, static_cast<int64_t>(means.size()) - below));
  result.p = std::min(1.0, 2 * (tail + 1) / static_cast<double>(means.size() + 1));
  return result;
}

double mcnemar(const torch::Tensor& a_S, const torch::Tensor& b_S) {
  const torch::Tensor a = is_hit(a_S), b = is_hit(b_S);
  const int64_t only_a = torch::logical_and(a, b.logical_not()).sum().item<int64_t>();
  const int64_t only_b = torch::logical_and(b, a.logical_not()).sum().item<int64_t>();
  const int64_t n = only_a + only_b;
  double tail = 0;
  for (int64_t k = 0; k <= std::min(only_a, only_b); ++k) {
    const auto real = [](int64_t x) { return static_cast<double>(x); };
    tail += std::exp(std::lgamma(real(n + 1)) - std::lgamma(real(k + 1)) -
                     std::lgamma(real(n - k + 1)) - real(n) * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

double discordance(const torch::Tensor& a_S, const torch::Tensor& b_S) {
  if (a_S.size(0) == 0) return 0;
  return (is_hit(a_S) != is_hit(b_S)).to(torch::kFloat64).mean().item<double>();
}

// n = (z_a sqrt(q) + z_b sqrt(q - d^2))^2 / d^2, of which d is the larger root of a square
// equation.
std::optional<double> detectable_difference(int64_t rows, double discordance) {
  constexpr double kLevel = 1.959963984540054;   // z of 5 %, two-sided
  constexpr double kPower = 0.8416212335729143;  // z of 80 %
  const auto n = static_cast<double>(rows);
  const double inside = n + kPower * kPower - kLevel * kLevel;
  if (inside < 0 || discordance <= 0) return std::nullopt;
  const double difference = std::sqrt(discordance) *
                            (kLevel * std::sqrt(n) + kPower * std::sqrt(inside)) /
                            (n + kPower * kPower);
  return difference <= discordance ? std::optional(difference) : std::nullopt;
}

std::vector<double> holm(const std::vector<double>& p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  std::vector<double> adjusted(p.size());
  double largest = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    largest = std::max(largest, std::min(1.0, static_cast<double>(p.size() - i) * p[order[i]]));
    adjusted[order[i]] = largest;
  }
  return adjusted;
}

}  // namespace tsrec::host
