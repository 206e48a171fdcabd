// Where a function of autograd sums the gradient of a parameter: in the parameter's own gradient
// where that may be, so that no tensor of its size is filled, added and dropped.
#pragma once

#include "tsrec/torch.hpp"

namespace tsrec::nn {

class LeafGradient {
 public:
  LeafGradient() = default;
  // Begins at what was summed before; whoever computes gradients without keeping them
  // (torch::autograd::grad), or looks at them in hooks, gets a sum of its own that begins at zero.
  explicit LeafGradient(const torch::Tensor& parameter);

  bool defined() const { return sum_.defined(); }
  // In the parameter's shape and type. To be added to.
  const torch::Tensor& sum() const { return sum_; }
  // What backward() gives back for the parameter: nothing where it was added already.
  torch::Tensor result() const { return is_added_ ? torch::Tensor() : sum_; }

 private:
  torch::Tensor sum_;
  bool is_added_ = false;
};

}  // namespace tsrec::nn
