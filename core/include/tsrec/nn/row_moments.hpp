// Mean and covariance of embedding rows, new rows drawn from them, and the mean of a text's.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

struct RowMoments {
  torch::Tensor mean_D;     // float32
  torch::Tensor factor_DD;  // lower Cholesky factor of the covariance (divided by the row count) +
                            // 1e-6 trace / D * I
};

// row_VD: [V, D], at least one row, finite; any floating type. Moments are accumulated in float64.
TSREC_API RowMoments row_moments(const torch::Tensor& row_VD);
// [count, D] float32: mean + factor z, z ~ N(0, I). On the CPU.
TSREC_API torch::Tensor sample_rows(const RowMoments& moments, int64_t count,
                                    at::Generator generator);
// [D] float64 on the CPU: mean of the rows of these ids, such as those of tokenizer.encode(text);
// an id counts as often as it stands there. At least one, each inside the matrix.
TSREC_API torch::Tensor mean_row(const torch::Tensor& row_VD, std::span<const int32_t> ids);

}  // namespace tsrec::nn
