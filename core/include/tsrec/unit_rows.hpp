// Vectors of length 1, whose products are cosines.
#pragma once

#include "tsrec/torch.hpp"

namespace tsrec {

// Every row of x [N, D] divided by its length; a row of zeros stays one.
inline torch::Tensor unit_rows(const torch::Tensor& x_ND) {
  return x_ND / x_ND.norm(2, /*dim=*/1, /*keepdim=*/true).clamp_min(1e-12);
}

}  // namespace tsrec
