// "No difference" as a claim that can be shown, and not as the failure to show one.
#pragma once

#include "support/statistics/bootstrap.hpp"

namespace tsrec::host {

struct Equivalence {
  double margin = 0;  // the largest difference that is called none
  double p = 1;       // of "the difference is at least as large as the margin"
  bool is_shown() const { return p <= 0.05; }
};

// Two one-sided t tests (Schuirmann, 1987), with the standard error and the degrees of freedom of
// the difference: p is the larger of the two. At 5 % it is the same as a 90 % interval inside of
// -margin .. margin. Shows nothing where the standard error is not known.
TSREC_HOST_API Equivalence equivalence(const Difference& difference, double margin);

}  // namespace tsrec::host
