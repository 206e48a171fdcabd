// Intervals and tests for per-row numbers. Rows of one user belong together, so users are
// resampled, flipped and counted, not rows. What each of them can show, and at which rate it errs
// where there is nothing to find, stands in statistics/README.md.
#pragma once

#include "support/statistics/bootstrap.hpp"
#include "support/statistics/corrections.hpp"
#include "support/statistics/detectable.hpp"
#include "support/statistics/equivalence.hpp"
#include "support/statistics/mcnemar.hpp"
#include "support/statistics/permutation.hpp"
#include "support/statistics/seeds_and_users.hpp"
