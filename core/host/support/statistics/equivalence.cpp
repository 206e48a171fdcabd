#include "support/statistics/equivalence.hpp"

#include <algorithm>
#include <cmath>

#include "support/statistics/student_t.hpp"

namespace tsrec::host {

// Without any spread over two users and more the difference is what it is.
Equivalence equivalence(const Difference& difference, double margin) {
  Equivalence result{margin, 1};
  if (difference.degrees < 1) return result;
  const double inside = margin - std::abs(difference.mean);
  result.p = difference.standard_error > 0
                 ? student_tail(inside / difference.standard_error, difference.degrees)
                 : (inside > 0 ? 0.0 : 1.0);
  return result;
}

}  // namespace tsrec::host
