#include "support/statistics/student_t.hpp"

#include <cmath>

namespace tsrec::host {
namespace {

// The continued fraction of the incomplete beta function (DLMF 8.17.22) by Lentz's method; it
// converges fast for x < (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300, kEnough = 1e-16;
  constexpr int kMost = 100000;
  double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), value = d;
  for (int m = 1; m < kMost; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    for (const double term : {even, odd}) {
      d = 1 + term * d;
      c = 1 + term / c;
      if (std::abs(d) < kTiny) d = kTiny;
      if (std::abs(c) < kTiny) c = kTiny;
      d = 1 / d;
      value *= c * d;
    }
    if (std::abs(c * d - 1) < kEnough) break;
  }
  return value;
}

// The regularised incomplete beta function I_x(a, b); rest: 1 - x, which may be too small to be
// told from x.
double incomplete_beta(double a, double b, double x, double rest) {
  if (x <= 0) return 0;
  if (rest <= 0) return 1;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log(rest));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                   : 1 - front * beta_fraction(b, a, rest) / b;
}

}  // namespace

double student_tail(double t, double degrees) {
  const double square = t * t, x = degrees / (degrees + square), rest = square / (degrees + square);
  const double beyond = incomplete_beta(degrees / 2, 0.5, x, rest) / 2;  // |t|
  return t >= 0 ? beyond : 1 - beyond;
}

double student_quantile(double share, double degrees) {
  if (share < 0.5) return -student_quantile(1 - share, degrees);
  double low = 0, high = 1;
  while (student_tail(high, degrees) > 1 - share) high *= 2;
  for (int halving = 0; halving < 200 && low < high; ++halving) {
    const double middle = low + (high - low) / 2;
    if (middle == low || middle == high) break;
    (student_tail(middle, degrees) > 1 - share ? low : high) = middle;
  }
  return high;
}

}  // namespace tsrec::host
