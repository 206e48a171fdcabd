// Student's t distribution, with real degrees of freedom.
#pragma once

#include "support/api.hpp"

namespace tsrec::host {

// P(T >= t); degrees > 0.
TSREC_HOST_API double student_tail(double t, double degrees);
// The t below which that share lies; 0 < share < 1.
TSREC_HOST_API double student_quantile(double share, double degrees);

}  // namespace tsrec::host
