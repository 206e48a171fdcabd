#include "support/statistics/mcnemar.hpp"

#include <algorithm>
#include <cmath>

namespace tsrec::host {
namespace {

// Where items share one SID, a row's value is the chance of a hit.
torch::Tensor is_hit(const torch::Tensor& value_S) { return value_S > 0.5; }

}  // namespace

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

}  // namespace tsrec::host
