// How the rows of new tokens lie among those of words (paper, Figure 1).
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

// Each number is 1 where the rows are like words.
struct RowPlace {
  double length = 0;      // mean length of a row / of a word's
  double nearest = 0;     // mean distance to the nearest word / of a word to the nearest other word
  double inside = 0;      // share of the mean squared distance to the words' mean that lies along
                          // the words' leading principal axes / that of words
  double dimensions = 0;  // (sum of variances)^2 / sum of squares, over principal axes / that of
                          // words: near 0 when the rows are all alike
};

// The rows of words: everything that is measured, is measured by them.
class TSREC_API WordSpace {
 public:
  // Share of the words' variance that their leading axes hold.
  static constexpr double kLeading = 0.9;

  // word_VD: [V, D], at least two rows, finite, not all equal (else DataError); any floating type
  // on any device. The distances between words are those of `sampled` evenly spaced words to all.
  explicit WordSpace(const torch::Tensor& word_VD, int64_t sampled = 1024);
  // row_ND: [N, D], at least one row, finite. Computed in float64 on the CPU.
  RowPlace place_of(const torch::Tensor& row_ND) const;

 private:
  double inside(const torch::Tensor& row_ND) const;
  torch::Tensor word_VD_, mean_D_, axis_DK_;
  double length_ = 0, nearest_ = 0, inside_ = 0, dimensions_ = 0;
};

// The plane that shows most of the rows' variance: their two leading principal axes.
struct PrincipalPlane {
  torch::Tensor mean_D, axis_D2;  // float64; of each axis the largest component is positive
  double share = 0;               // of the variance
};
// Where a row lies in it: (row - mean_D) axis_D2. row_ND: [N, D], at least two rows that differ, D
// at least 2, finite.
TSREC_API PrincipalPlane principal_plane(const torch::Tensor& row_ND);

}  // namespace tsrec::nn
