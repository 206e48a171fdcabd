// Lloyd's k-means with k-means++ seeding.
#pragma once

#include "tsrec/context.hpp"

namespace tsrec::nn {

struct KMeansOptions {
  int64_t clusters = 256, iterations = 100, restarts = 3;
  double tolerance = 1e-6;  // stop when the objective falls by less than this share; below 0: never
  torch::Tensor start_KD = {};  // float32: centres to begin with, once; undefined: k-means++
};
struct KMeans {
  torch::Tensor center_KD;  // float32
  torch::Tensor label_N;    // int64; ties go to the lowest index
  double objective = 0;     // sum of squared distances, accumulated in double
  int64_t iterations = 0,
          repaired = 0;  // repaired: empty clusters refilled by splitting the largest
};

// x [N, D] float32. Throws DataError for K larger than N or non-finite input. Deterministic for a
// generator.
TSREC_API KMeans kmeans(const torch::Tensor& x_ND, const KMeansOptions& options,
                        at::Generator generator);
// [N] nearest centre (ties: lowest index) and [N] squared distances.
TSREC_API std::pair<torch::Tensor, torch::Tensor> nearest(const torch::Tensor& x_ND,
                                                          const torch::Tensor& center_KD);

}  // namespace tsrec::nn
