// Dropout of a training step (Srivastava et al., 2014).
#pragma once

#include "tsrec/error.hpp"
#include "tsrec/nn/dropout_mask.hpp"

namespace tsrec::nn {

// One for every step, with the step's generator: each place of the model that drops asks it in turn
// for a seed of its own. Without a generator nothing is dropped.
class TSREC_API Dropout {
 public:
  Dropout() = default;
  // probability: of being dropped, in [0, 1). The generator is the CPU's.
  Dropout(double probability, std::optional<at::Generator> generator)
      : probability_(probability), generator_(std::move(generator)) {}
  // x, of any shape, type and device, each number 0 or divided by (1 - probability).
  // Differentiable.
  torch::Tensor operator()(const torch::Tensor& x) const;
  // x + dropped branch, of one shape [T, D], in one pass on the CPU. Differentiable.
  torch::Tensor sum(const torch::Tensor& x_TD, const torch::Tensor& branch_TD) const;
  // For whoever drops by himself, as a kernel of attention does: of probability 0 where nothing is
  // dropped.
  DropoutMask next() const;

 private:
  double probability_ = 0;
  std::optional<at::Generator> generator_;
};

}  // namespace tsrec::nn
