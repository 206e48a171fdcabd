#include "tsrec/nn/row_moments.hpp"

#include "tsrec/nn/transfer.hpp"
#include "tsrec/product.hpp"

namespace tsrec::nn {

RowMoments row_moments(const torch::Tensor& row_VD) {
  const torch::NoGradGuard no_grad;
  if (row_VD.size(0) == 0) throw Error("no rows to take the mean and covariance of");
  const torch::Tensor x_VD = row_VD.detach().cpu().to(torch::kFloat64);
  if (!x_VD.isfinite().all().item<bool>()) {
    throw DataError(
        "the embedding rows of the backbone hold NaN or infinite values; its checkpoint is "
        "damaged");
  }
  const int64_t width = x_VD.size(1);
  const torch::Tensor mean_D = x_VD.mean(0);
  const torch::Tensor centred_VD = x_VD - mean_D;
  torch::Tensor covariance_DD =
      torch::matmul(centred_VD.t(), centred_VD) / static_cast<double>(x_VD.size(0));
  // Fewer rows than dimensions leave directions without variance; the ridge keeps the factor
  // defined.
  const double ridge = 1e-6 * covariance_DD.trace().item<double>() / static_cast<double>(width);
  covariance_DD.diagonal().add_(std::max(ridge, 1e-30));
  return {mean_D.to(torch::kFloat32), torch::linalg_cholesky(covariance_DD).to(torch::kFloat32)};
}

torch::Tensor sample_rows(const RowMoments& moments, int64_t count, at::Generator generator) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor z_ND = torch::randn({count, moments.mean_D.size(0)}, generator);
  return moments.mean_D + linear_product(z_ND, moments.factor_DD);
}

torch::Tensor mean_row(const torch::Tensor& row_VD, std::span<const int32_t> ids) {
  const torch::NoGradGuard no_grad;
  if (ids.empty()) throw Error("no ids to take the mean row of");
  const torch::Tensor index = torch::tensor(std::vector<int64_t>(ids.begin(), ids.end()));
  return row_VD.detach()
      .index_select(0, to_device(index, row_VD.device()))
      .cpu()
      .to(torch::kFloat64)
      .mean(0);
}

}  // namespace tsrec::nn
