// Nearest centres of many vectors, again and again while the centres move (Elkan, 2003).
#pragma once

#include <atomic>

#include "tsrec/error.hpp"

namespace tsrec::cluster {

// [N] |x|^2 of contiguous float32 vectors.
torch::Tensor squared_norms(const torch::Tensor& x_ND);

// A vector is compared with a centre only where neither of two bounds says that the centre is
// farther than its own: the distance when they were last compared less the way the centre has gone
// since, and half the distance of the centre to its own one. Labels are those of a full comparison,
// but for ties within rounding.
class Assignment {
 public:
  // x: float32, contiguous, with its squared_norms(). The bounds take at most `bound_bytes`: where
  // a bound for every vector and centre would not fit, centres share one.
  Assignment(torch::Tensor x_ND, torch::Tensor square_N, int64_t bound_bytes);
  // Ties go to the lowest index.
  void update(const torch::Tensor& center_KD);
  // The vector was given to another centre by hand.
  void move(int64_t row, int64_t label);

  const torch::Tensor& label_N() const { return label_N_; }        // int64
  const torch::Tensor& distance_N() const { return distance_N_; }  // squared, to its centre
  int64_t compared() const { return compared_; }  // vectors with centres, in all updates

 private:
  struct Tile;
  void begin(const torch::Tensor& center_KD);
  void follow(const torch::Tensor& center_KD);
  void measure_gaps();
  void measure_own(const Tile& tile);
  bool list_pairs(Tile& tile) const;
  void compare_all(Tile& tile);
  void compare_pairs(const Tile& tile);
  int64_t compare(int64_t row, const int32_t* block, int64_t count);

  const float* vector(int64_t row) const { return x_ + row * width_; }
  const float* center(int64_t k) const { return center_ + k * width_; }
  const float* gap(int64_t k) const { return gap_ + k * blocks_; }
  float* lower(int64_t row) const { return lower_ + row * blocks_; }

  const torch::Tensor x_ND_;
  const int64_t bound_bytes_;
  const torch::Tensor square_N_;
  torch::Tensor label_N_, distance_N_;
  std::vector<uint8_t> is_stale_N_;  // moved by hand: its distance is not known
  torch::Tensor center_KD_, half_norm_K_;
  float largest_square_ = 0;  // of a centre's length
  std::vector<uint8_t> has_moved_K_;
  int64_t blocks_ = 0;      // centre k belongs to block k % blocks
  torch::Tensor lower_NB_;  // bound of the distance to the block's other centres + travelled then
  std::vector<double> way_B_;  // that the block's centres have gone in all updates, at most
  torch::Tensor travelled_B_;  // the same in float32, rounded up
  torch::Tensor gap_KB_;       // half the distance of centre k to the block's nearest other centre
  std::atomic<int64_t> compared_ = 0;

  // The same memory for the loops over rows: asking a tensor for it takes longer than a bound.
  const int64_t width_;
  const float* const x_;
  int64_t* label_ = nullptr;
  float* distance_ = nullptr;
  float* lower_ = nullptr;
  const float *center_ = nullptr, *travelled_ = nullptr, *gap_ = nullptr;
};

}  // namespace tsrec::cluster
