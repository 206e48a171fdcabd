// The norm of the Llama, Qwen and T5 families.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

// x w / sqrt(mean(x^2) + eps), row by row (Zhang and Sennrich, 2019). Differentiable in both. On
// the CPU, in float32 and bfloat16, one pass of a kernel that computes in float32.
TSREC_API torch::Tensor rms_norm(const torch::Tensor& x_TD, const torch::Tensor& weight_D,
                                 double eps);

}  // namespace tsrec::nn
