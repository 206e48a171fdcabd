// How many vectors each cluster has, their sums and means.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::cluster {

// Only vectors that changed their cluster are read, unless they are many: the sums are in double
// precision, far below the rounding of a float32 mean, and do not depend on the number of threads.
class Clusters {
 public:
  Clusters(torch::Tensor x_ND, int64_t clusters);  // float32, contiguous
  void update(const torch::Tensor& label_N);

  std::optional<int64_t> empty() const;           // the first cluster without members
  int64_t largest() const;                        // ties: the first
  std::vector<int64_t> members(int64_t k) const;  // ascending rows
  torch::Tensor mean(int64_t k) const;            // [D] float64; of a cluster with members
  torch::Tensor means() const;                    // [K, D] float32; none may be empty

 private:
  const torch::Tensor x_ND_;
  torch::Tensor label_N_;          // of the update before
  torch::Tensor sum_KD_, size_K_;  // float64, int64
};

}  // namespace tsrec::cluster
