// A matrix of a model: whole, as a leaf in the precision of the model, or still as its checkpoint
// holds it. What is only read for inference need never be whole: a product widens a part of it at a
// time, in memory that the next part uses again, unless a packed copy serves it. A bfloat16
// checkpoint computed in float32 thus takes its own size instead of three times that, and nothing
// is converted before the first token.
#pragma once

#include "nn/recomputed.hpp"

namespace tsrec::nn {

class Weight {
 public:
  Weight() = default;
  // A leaf that requires grad.
  explicit Weight(torch::Tensor whole) : parts_{std::move(whole)} {}
  // Rows of several matrices [.., in] behind each other, in whatever precision they are stored.
  static Weight as_stored(std::vector<torch::Tensor> parts) {
    Weight weight;
    weight.parts_ = std::move(parts);
    weight.whole_ = false;
    return weight;
  }

  bool is_whole() const { return whole_; }
  // Keeps a copy for products without gradients (product.hpp), which must be dropped before
  // the matrix changes.
  void pack(torch::ScalarType precision);
  void unpack() { packed_.reset(); }
  const torch::Tensor& whole() const { return parts_.front(); }
  torch::Tensor& whole() { return parts_.front(); }
  const std::vector<torch::Tensor>& parts() const { return parts_; }

  // x [T, in] W^T + bias [out] (none if undefined) -> [T, out], in the precision of x.
  // Differentiable where the weight is whole.
  torch::Tensor product(const torch::Tensor& x_TD, const torch::Tensor& bias = {}) const;
  // The same of an input that is not kept for backward.
  torch::Tensor product(const Recomputed& x_TD, const torch::Tensor& bias = {}) const;
  // Rows of the matrix, in the precision asked for.
  torch::Tensor rows(const torch::Tensor& row_T, torch::ScalarType precision) const;

 private:
  std::vector<torch::Tensor> parts_;
  torch::Tensor packed_;
  bool whole_ = true;
};

}  // namespace tsrec::nn
