#include "support/statistics/student_t.hpp"

#include <boost/math/distributions/students_t.hpp>

namespace tsrec::host {

double student_tail(double t, double degrees) {
  return boost::math::cdf(boost::math::complement(boost::math::students_t(degrees), t));
}

double student_quantile(double share, double degrees) {
  return boost::math::quantile(boost::math::students_t(degrees), share);
}

}  // namespace tsrec::host
