// Dropout of a training step.
#pragma once

#include "dropout_kernel.hpp"
#include "tsrec/error.hpp"

namespace tsrec::sequential {

// One for every step, with the step's generator: each place of the model that drops asks it in turn
// for a seed of its own. Without a generator nothing is dropped.
class Noise {
 public:
  Noise() = default;
  Noise(double share, at::Generator generator) : share_(share), generator_(std::move(generator)) {}
  // x, float32 on the CPU, with each of its numbers dropped or not.
  torch::Tensor operator()(const torch::Tensor& x) const;
  // For whoever drops by himself, as attention does.
  Dropout next() const;

 private:
  double share_ = 0;
  std::optional<at::Generator> generator_;
};

}  // namespace tsrec::sequential
