// How alike the meanings of tokens are.
#pragma once

#include "tsrec/sid.hpp"

namespace tsrec {

// Of M meanings, by their numbers.
class Similarities {
 public:
  virtual ~Similarities();
  virtual double of(size_t a, size_t b) const = 0;  // in [0, 1]
};

// Cosines of rows, those below 0 as 0; a row of nothing is like no other.
std::unique_ptr<const Similarities> cosines(const torch::Tensor& x_MD);
// Cosines of the texts' words, each counted (1 + ln tf) (1 + ln((1 + M) / (1 + df))).
std::unique_ptr<const Similarities> tf_idf_cosines(const std::vector<std::string>& texts);
// The share of common keywords among all that one of the two has (Jaccard), whatever their case.
std::unique_ptr<const Similarities> keyword_overlaps(
    const std::vector<std::vector<std::string>>& keywords_M);

// [M, D] float64, one row for each of the clusters: the mean over its items of what the levels
// above leave of their vectors. Of SIDs by residual k-means these are the rows of its codebooks; of
// any other SIDs, what would be in their place.
torch::Tensor mean_residuals(const torch::Tensor& x_ND, const std::vector<TokenCluster>& clusters);

}  // namespace tsrec
