// Matrix products with a weight that oneDNN has laid out anew, once, for its own kernels.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

// Whether the processor computes such products in this precision as fast as it can: float32
// everywhere, bfloat16 only where it has instructions for it.
TSREC_API bool can_pack(torch::ScalarType precision);

// weight [out, in] -> the same numbers in oneDNN's layout.
TSREC_API torch::Tensor packed(const torch::Tensor& weight_OI);
// x [T, in], a packed weight, bias [out] (none if undefined) -> x W^T + bias [T, out]. No
// gradients.
TSREC_API torch::Tensor packed_product(const torch::Tensor& x_TI, const torch::Tensor& packed_OI,
                                       const torch::Tensor& bias_O);

}  // namespace tsrec::nn
