#include "support/statistics/permutation.hpp"

#include <cmath>
#include <random>
#include <vector>

#include "support/statistics/user_sums.hpp"

namespace tsrec::host {
namespace {

constexpr size_t kFewUsers = 17;  // the first one's sign may stay: 2^16 ways for the others

// Users without a difference change no sum.
std::vector<double> nonzero_sums(const UserSums& sums) {
  std::vector<double> nonzero;
  for (int64_t user = 0; user < sums.num_users(); ++user) {
    if (sums.sum(user, 0) != 0) nonzero.push_back(sums.sum(user, 0));
  }
  return nonzero;
}

// Sums of one size that were added up in another order are alike.
class AtLeastAsFar {
 public:
  explicit AtLeastAsFar(const std::vector<double>& sums) {
    double sum = 0, size = 0;
    for (const double x : sums) {
      sum += x;
      size += std::abs(x);
    }
    limit_ = std::abs(sum) - 1e-12 * size;
  }
  bool operator()(double sum) const { return std::abs(sum) >= limit_; }

 private:
  double limit_ = 0;
};

double exact(const std::vector<double>& sums, const AtLeastAsFar& is_far) {
  const uint64_t ways = uint64_t{1} << (sums.size() - 1);
  uint64_t found = 0;
  for (uint64_t flipped = 0; flipped < ways; ++flipped) {
    double sum = sums[0];
    for (size_t i = 1; i < sums.size(); ++i)
      sum += (flipped >> (i - 1) & 1) != 0 ? -sums[i] : sums[i];
    found += is_far(sum);
  }
  return static_cast<double>(found) / static_cast<double>(ways);
}

// 64 signs of each number that the generator gives; the standard says which numbers those are.
double by_chance(const std::vector<double>& sums, const AtLeastAsFar& is_far, int64_t permutations,
                 uint64_t seed) {
  std::mt19937_64 random(seed);
  int64_t found = 0;
  for (int64_t p = 0; p < permutations; ++p) {
    double sum = 0;
    uint64_t signs = 0;
    for (size_t i = 0; i < sums.size(); ++i) {
      if (i % 64 == 0) signs = random();
      sum += (signs & 1) != 0 ? -sums[i] : sums[i];
      signs >>= 1;
    }
    found += is_far(sum);
  }
  return static_cast<double>(found + 1) / static_cast<double>(permutations + 1);
}

}  // namespace

double permutation_test(const torch::Tensor& a_S, const torch::Tensor& b_S,
                        const torch::Tensor& user_S, int64_t permutations, uint64_t seed) {
  const torch::Tensor difference_S = b_S.to(torch::kFloat64) - a_S.to(torch::kFloat64);
  const std::vector<double> sums = nonzero_sums(user_sums(difference_S.unsqueeze(0), user_S));
  if (sums.empty()) return 1;
  const AtLeastAsFar is_far(sums);
  return sums.size() <= kFewUsers ? exact(sums, is_far)
                                  : by_chance(sums, is_far, permutations, seed);
}

}  // namespace tsrec::host
