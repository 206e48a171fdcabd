// A paired permutation test over users: were two models alike, each user could as well have had
// their results the other way round.
#pragma once

#include "support/api.hpp"
#include "tsrec/error.hpp"

namespace tsrec::host {

// Two-sided p of "no difference" between b and a on the same rows: the share of all ways to flip
// the signs of the users' sums of b - a that give a sum at least as far from 0. All ways are looked
// at where they are no more than 2^16; else `permutations` random ones, and p = (found + 1) /
// (permutations + 1) (Phipson and Smyth, 2010), which is a function of `seed`. 1 without rows.
TSREC_HOST_API double permutation_test(const torch::Tensor& a_S, const torch::Tensor& b_S,
                                       const torch::Tensor& user_S, int64_t permutations,
                                       uint64_t seed);

}  // namespace tsrec::host
