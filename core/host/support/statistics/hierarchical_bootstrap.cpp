#include "support/statistics/hierarchical_bootstrap.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "support/statistics/student_t.hpp"
#include "support/statistics/user_sums.hpp"

namespace tsrec::host {
namespace {

struct Total {
  double sum = 0, count = 0;
  void operator+=(const Total& other) {
    sum += other.sum;
    count += other.count;
  }
  double mean() const { return count > 0 ? sum / count : 0; }
};

// Rows of every seed and user, summed up. A user who is not asked in a seed has no rows there.
class SeedsByUsers {
 public:
  explicit SeedsByUsers(const std::vector<SeedRows>& seeds) {
    std::vector<torch::Tensor> users;
    for (const SeedRows& rows : seeds) users.push_back(rows.user_S);
    const auto unique = at::_unique2(torch::cat(users), /*sorted=*/true, /*return_inverse=*/true);
    const torch::Tensor& place_S = std::get<1>(unique);
    num_users_ = std::get<0>(unique).size(0);
    cells_.resize(seeds.size() * static_cast<size_t>(num_users_));
    int64_t at = 0;
    for (size_t s = 0; s < seeds.size(); ++s) {
      const torch::Tensor difference_S =
          (seeds[s].b_S.to(torch::kFloat64) - seeds[s].a_S.to(torch::kFloat64)).contiguous();
      for (int64_t row = 0; row < difference_S.size(0); ++row, ++at) {
        const auto user = static_cast<size_t>(place_S.const_data_ptr<int64_t>()[at]);
        cells_[s * static_cast<size_t>(num_users_) + user] +=
            Total{difference_S.const_data_ptr<double>()[row], 1};
      }
    }
  }
  int64_t num_users() const { return num_users_; }
  // Of these seeds and users, each as often as it is named.
  Total total(const std::vector<int64_t>& seeds, const std::vector<int64_t>& users) const {
    Total total;
    for (const int64_t seed : seeds) {
      const Total* of_seed = &cells_[static_cast<size_t>(seed * num_users_)];
      for (const int64_t user : users) total += of_seed[user];
    }
    return total;
  }

 private:
  int64_t num_users_ = 0;
  std::vector<Total> cells_;  // [seeds, users]
};

std::vector<int64_t> all_of(int64_t count) {
  std::vector<int64_t> all(static_cast<size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::vector<int64_t> drawn_of(int64_t count, at::Generator& generator) {
  const torch::Tensor drawn = torch::randint(count, {count}, generator, torch::kInt64);
  return {drawn.const_data_ptr<int64_t>(), drawn.const_data_ptr<int64_t>() + count};
}

// Of a sample of that many; resamples of it spread by the factor (count - 1) / count less.
double unbiased(double variance, int64_t count) {
  return variance * static_cast<double>(count) / static_cast<double>(count - 1);
}

double mean_square(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return sum / static_cast<double>(values.size());
}

// Of the mean.
struct Variances {
  double of_seeds = 0, of_users = 0;
};

Variances resampled_variances(const SeedsByUsers& rows, int64_t num_seeds, double mean,
                              int64_t resamples, uint64_t seed) {
  at::Generator generator = at::detail::createCPUGenerator(seed);
  const std::vector<int64_t> all_seeds = all_of(num_seeds), all_users = all_of(rows.num_users());
  std::vector<double> by_seeds, by_users, together;
  for (int64_t r = 0; r < resamples; ++r) {
    const std::vector<int64_t> seeds = drawn_of(num_seeds, generator),
                               users = drawn_of(rows.num_users(), generator);
    by_seeds.push_back(rows.total(seeds, all_users).mean() - mean);
    by_users.push_back(rows.total(all_seeds, users).mean() - mean);
    together.push_back(rows.total(seeds, users).mean() - mean - by_seeds.back() - by_users.back());
  }
  const double seeds = unbiased(mean_square(by_seeds), num_seeds),
               users = unbiased(mean_square(by_users), rows.num_users()),
               both = unbiased(unbiased(mean_square(together), num_seeds), rows.num_users());
  return {seeds, std::max(0.0, users - both)};
}

}  // namespace

Difference hierarchical_bootstrap(const std::vector<SeedRows>& seeds, int64_t resamples,
                                  uint64_t seed) {
  const auto num_seeds = static_cast<int64_t>(seeds.size());
  if (num_seeds < 2)
    throw Error("a bootstrap over seeds needs two of them, and was given ", num_seeds);
  const SeedsByUsers rows(seeds);
  Difference result;
  if (rows.num_users() < 2) return result;
  result.mean = rows.total(all_of(num_seeds), all_of(rows.num_users())).mean();
  if (resamples < 1) return result;
  const Variances parts = resampled_variances(rows, num_seeds, result.mean, resamples, seed);
  const double variance = parts.of_seeds + parts.of_users;
  result.standard_error = std::sqrt(variance);
  if (variance <= 0) {  // no spread at all: a resample can tell no more than this
    result.degrees = static_cast<double>(num_seeds - 1);
    result.interval = {result.mean, result.mean};
    result.p = result.mean == 0 ? 1 : 2 / static_cast<double>(resamples + 1);
    return result;
  }
  result.degrees = variance * variance /
                   (parts.of_seeds * parts.of_seeds / static_cast<double>(num_seeds - 1) +
                    parts.of_users * parts.of_users / static_cast<double>(rows.num_users() - 1));
  const double reach = student_quantile(0.975, result.degrees) * result.standard_error;
  result.interval = {result.mean - reach, result.mean + reach};
  result.p = 2 * student_tail(std::abs(result.mean) / result.standard_error, result.degrees);
  return result;
}

}  // namespace tsrec::host
