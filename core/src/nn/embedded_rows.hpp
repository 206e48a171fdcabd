// Rows of an embedding by number.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

// weight [V, D], row [T] -> [T, D]. Differentiable once: the gradient touches the rows that were
// asked for, where the weight keeps one (leaf_gradient.hpp); each row's parts are summed in
// float32, in their order.
TSREC_API torch::Tensor embedded_rows(const torch::Tensor& weight_VD, const torch::Tensor& row_T);

}  // namespace tsrec::nn
