#include "support/statistics/detectable.hpp"

#include "support/statistics/student_t.hpp"

namespace tsrec::host {

std::optional<double> detectable_difference(const Difference& difference) {
  if (difference.degrees < 1 || difference.standard_error <= 0) return std::nullopt;
  return (student_quantile(0.975, difference.degrees) + student_quantile(0.8, difference.degrees)) *
         difference.standard_error;
}

}  // namespace tsrec::host
