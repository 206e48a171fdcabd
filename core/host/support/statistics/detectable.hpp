// What a comparison could have shown.
#pragma once

#include <optional>

#include "support/statistics/bootstrap.hpp"

namespace tsrec::host {

// The smallest true difference that a two-sided test at the level of 5 % finds four times in five,
// with the spread over users (and seeds) that this comparison met: (t of 97.5 % + t of 80 %)
// standard errors. None where the standard error is not known.
TSREC_HOST_API std::optional<double> detectable_difference(const Difference& difference);

}  // namespace tsrec::host
