// Values that backward computes again instead of keeping them.
//
// A product needs its input once more for the gradient of its weight. The inputs of most products
// in a decoder block are one pass over something that is kept anyway: a norm over the residual
// stream, SwiGLU over its gate and up. That pass costs about a hundredth of the product, so its
// result is freed as soon as the product has read it.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

struct Recipe {
  // A value from what is kept for it, to the byte, without a graph.
  using ValueOf = std::function<torch::Tensor(const std::vector<torch::Tensor>& kept)>;
  ValueOf value_of;
  std::vector<torch::Tensor> kept;

  // `value_of` among what a function of autograd remembers, and back.
  c10::IValue saved() const;
  static ValueOf restored(const c10::IValue& saved);
};

// A value with its graph, and how to come by it once more.
struct Recomputed {
  torch::Tensor value;
  Recipe recipe;
};

// A value that is kept itself.
Recomputed as_it_is(const torch::Tensor& value);

// linear_product() (tsrec/product.hpp) of a recomputed x [T, in]. Differentiable once, in its
// value, weight [out, in] and bias [out] (none if undefined).
TSREC_API torch::Tensor recomputed_product(const Recomputed& x, const torch::Tensor& weight_OI,
                                           const torch::Tensor& bias_O = {});

// The same with the upper and with the lower half of the weight's rows, each in memory of its own:
// LibTorch's passes over whole rows are several times as fast as those over halves of rows.
TSREC_API std::pair<torch::Tensor, torch::Tensor> recomputed_halves(const Recomputed& x,
                                                                    const torch::Tensor& weight_OI);

}  // namespace tsrec::nn
