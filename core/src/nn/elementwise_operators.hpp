// The element-wise steps of a decoder block in LibTorch operators, for devices that our kernels do
// not serve. A GPU's time goes to the number of passes over memory and of launches, so each step
// has its backward by hand, writes where its result belongs, and reads whole rows where it can.
#pragma once

#include "nn/elementwise.hpp"
#include "tsrec/nn/dropout_mask.hpp"

namespace tsrec::nn {

// As split_and_rotate() and swiglu() in elementwise.hpp.
TSREC_API Qkv split_and_rotate_by_operators(const torch::Tensor& qkv_TD, const Rotation& rotation,
                                            const LmShape& shape);
TSREC_API torch::Tensor swiglu_by_operators(const torch::Tensor& gate_TF,
                                            const torch::Tensor& up_TF);

// kept_scale() of dropout_mask.hpp for each number of a tensor, so that every device drops the same
// ones.
TSREC_API torch::Tensor kept_scale(const torch::Tensor& like, const DropoutMask& mask);

}  // namespace tsrec::nn
