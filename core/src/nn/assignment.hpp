// Nearest centres of many vectors, again and again while the centres move (Hamerly, 2010).
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

// A vector keeps its centre as long as a bound says that no other one can have come nearer: it is
// then not compared at all. Labels are those of a full comparison, but for ties within rounding.
class Assignment {
 public:
  explicit Assignment(torch::Tensor x_ND);  // float32, contiguous
  // Compares with all centres at first, later only where the bounds do not decide. Ties go to the
  // lowest index.
  void update(const torch::Tensor& center_KD);
  // The vector was given to another centre by hand: its bound is void.
  void move(int64_t row, int64_t label);

  const torch::Tensor& label_N() const { return label_N_; }        // int64
  const torch::Tensor& distance_N() const { return distance_N_; }  // squared, to its centre
  int64_t compared() const { return compared_; }                   // vectors, in all updates

 private:
  void follow(const torch::Tensor& center_KD);
  std::vector<int64_t> undecided(const torch::Tensor& center_KD);
  void compare(const std::vector<int64_t>& rows, const torch::Tensor& center_KD);

  torch::Tensor x_ND_, square_N_, label_N_, distance_N_;
  torch::Tensor other_N_;  // lower bound of the distance to any other centre
  torch::Tensor center_KD_;
  int64_t compared_ = 0;
};

}  // namespace tsrec::nn
