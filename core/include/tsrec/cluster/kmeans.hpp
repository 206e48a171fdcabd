// Lloyd's k-means with k-means++ seeding.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::cluster {

struct KMeansOptions {
  int64_t clusters = 256, iterations = 100, restarts = 3;
  double tolerance = 1e-6;  // stop when the objective falls by less than this share; below 0: when
                            // no centre moves any more
  torch::Tensor start_KD = {};  // float32: centres to begin with, once; undefined: k-means++
  int64_t bound_bytes = int64_t{1} << 30;  // memory for bounds, which spare comparisons
};
struct KMeans {
  torch::Tensor center_KD;  // float32
  torch::Tensor label_N;    // int64; ties go to the lowest index
  double objective = 0;     // sum of squared distances, accumulated in double
  int64_t iterations = 0,
          repaired = 0;  // repaired: empty clusters that got a part of the largest
  int64_t compared = 0;  // vectors with centres, in all iterations
};

// x [N, D] float32. Throws DataError for K larger than N or non-finite input. Deterministic for a
// generator.
TSREC_API KMeans kmeans(const torch::Tensor& x_ND, const KMeansOptions& options,
                        at::Generator generator);
// [N] nearest centre (ties: lowest index) and [N] squared distances.
TSREC_API std::pair<torch::Tensor, torch::Tensor> nearest(const torch::Tensor& x_ND,
                                                          const torch::Tensor& center_KD);

}  // namespace tsrec::cluster
