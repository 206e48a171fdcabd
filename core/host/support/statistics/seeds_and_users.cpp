#include "support/statistics/seeds_and_users.hpp"

#include <algorithm>
#include <cmath>

#include "support/statistics/student_t.hpp"

namespace tsrec::host {
namespace {

// What the rows of every seed and user lie above the mean of all, summed up. A user who is not
// asked in a seed has no rows there, and none to lie above.
struct Deviations {
  torch::Tensor sum_KU;  // float64
  double mean = 0, num_rows = 0;
};

Deviations deviations_of(const std::vector<SeedRows>& seeds) {
  std::vector<torch::Tensor> users;
  for (const SeedRows& rows : seeds) users.push_back(rows.user_S);
  const auto unique = at::_unique2(torch::cat(users), /*sorted=*/true, /*return_inverse=*/true);
  const int64_t num_users = std::get<0>(unique).size(0);
  Deviations result;
  result.sum_KU = torch::zeros({std::ssize(seeds), num_users}, torch::kFloat64);
  torch::Tensor count_KU = torch::zeros_like(result.sum_KU);
  int64_t first = 0;
  for (size_t k = 0; k < seeds.size(); ++k) {
    const torch::Tensor difference_S = seeds[k].difference_S.to(torch::kFloat64);
    const torch::Tensor place_S = std::get<1>(unique).slice(0, first, first + difference_S.size(0));
    const auto row = static_cast<int64_t>(k);
    result.sum_KU[row].index_add_(0, place_S, difference_S);
    count_KU[row].index_add_(0, place_S, torch::ones_like(difference_S));
    first += difference_S.size(0);
  }
  result.num_rows = static_cast<double>(first);
  if (first == 0) return result;
  result.mean = result.sum_KU.sum().item<double>() / result.num_rows;
  result.sum_KU -= result.mean * count_KU;
  return result;
}

// Of a mean of that many, from the squares of their deviations.
double variance(const torch::Tensor& deviations, double num_rows, double stretch) {
  return deviations.square().sum().item<double>() / (num_rows * num_rows) * stretch;
}

double stretched(int64_t count) {
  return static_cast<double>(count) / static_cast<double>(count - 1);
}

}  // namespace

double MeanOverSeeds::standard_error() const {
  return std::sqrt(variance_of_seeds + variance_of_users);
}

MeanOverSeeds mean_over_seeds(const std::vector<SeedRows>& seeds) {
  if (seeds.size() < 2)
    throw Error("the spread over seeds needs two of them, and was given ", seeds.size());
  const Deviations rows = deviations_of(seeds);
  MeanOverSeeds result{
      .mean = rows.mean, .num_seeds = rows.sum_KU.size(0), .num_users = rows.sum_KU.size(1)};
  if (result.num_users < 2) return result;
  const torch::Tensor of_seed_K = rows.sum_KU.sum(1), of_user_U = rows.sum_KU.sum(0);
  const torch::Tensor together_KU = rows.sum_KU -
                                    of_seed_K.unsqueeze(1) / static_cast<double>(result.num_users) -
                                    of_user_U / static_cast<double>(result.num_seeds);
  const double by_seeds = stretched(result.num_seeds), by_users = stretched(result.num_users);
  result.variance_of_seeds = variance(of_seed_K, rows.num_rows, by_seeds);
  result.variance_of_users =
      std::max(0.0, variance(of_user_U, rows.num_rows, by_users) -
                        variance(together_KU, rows.num_rows, by_seeds * by_users));
  return result;
}

Difference difference_over_seeds(const std::vector<SeedRows>& seeds) {
  const MeanOverSeeds over = mean_over_seeds(seeds);
  Difference result;
  result.mean = over.mean;
  if (over.num_users < 2) return result;
  result.standard_error = over.standard_error();
  const auto degrees_of_seeds = static_cast<double>(over.num_seeds - 1);
  if (result.standard_error <= 0) {
    result.degrees = degrees_of_seeds;
    result.interval = {result.mean, result.mean};
    if (result.mean != 0) result.p = std::exp2(-degrees_of_seeds);
    return result;
  }
  const double variance = over.variance_of_seeds + over.variance_of_users;
  result.degrees =
      variance * variance /
      (over.variance_of_seeds * over.variance_of_seeds / degrees_of_seeds +
       over.variance_of_users * over.variance_of_users / static_cast<double>(over.num_users - 1));
  const double reach = student_quantile(0.975, result.degrees) * result.standard_error;
  result.interval = {result.mean - reach, result.mean + reach};
  result.p = 2 * student_tail(std::abs(result.mean) / result.standard_error, result.degrees);
  return result;
}

}  // namespace tsrec::host
