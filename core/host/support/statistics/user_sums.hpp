// Rows summed up by user: all that the tests over users look at.
#pragma once

#include <vector>

#include "support/api.hpp"
#include "tsrec/error.hpp"

namespace tsrec::host {

// G users in the order of their ids, C numbers of each.
struct UserSums {
  int64_t num_numbers = 0;
  std::vector<double> sum_GC, count_G;  // over a user's rows; how many they are
  int64_t num_users() const { return static_cast<int64_t>(count_G.size()); }
  double sum(int64_t user, int64_t number) const {
    return sum_GC[static_cast<size_t>(user * num_numbers + number)];
  }
  double count(int64_t user) const { return count_G[static_cast<size_t>(user)]; }
};

// value_CS: [C, S]; user_S: int64, whose row it is.
TSREC_HOST_API UserSums user_sums(const torch::Tensor& value_CS, const torch::Tensor& user_S);

// Standard error of the mean of all rows of number 0, by the linearised ratio of sums over users
// with the factor G / (G - 1): what a regression on a constant calls cluster-robust. 0 of less than
// two users.
TSREC_HOST_API double standard_error(const UserSums& sums);

}  // namespace tsrec::host
