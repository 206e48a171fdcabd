#include "items.hpp"

#include <cmath>

#include "tsrec/product.hpp"

namespace tsrec::sequential {

torch::Tensor standardised(const torch::Tensor& x_ND) {
  const torch::Tensor centred = x_ND.to(torch::kFloat64) - x_ND.to(torch::kFloat64).mean(0, true);
  const double size = std::sqrt(centred.square().mean().item<double>());
  return (size > 0 ? centred / size : centred).to(torch::kFloat32);
}

torch::Tensor principal_components(const torch::Tensor& x_ND, int64_t width) {
  const torch::Tensor x = standardised(x_ND).to(torch::kFloat64);
  const auto [value_D, vector_DD] = at::linalg_eigh(at::matmul(x.t(), x));  // smallest first
  const int64_t kept = std::min(width, x.size(1));
  const torch::Tensor first_DK = vector_DD.slice(1, x.size(1) - kept).flip(1);
  return at::matmul(x, first_DK).to(torch::kFloat32);
}

ItemTable::ItemTable(Parameters& parameters, const ItemTableOptions& options,
                     const Catalogue& catalogue)
    : table_ND_(
          parameters.normal("items", {catalogue.num_items, options.width}, options.deviation)) {
  const torch::NoGradGuard no_grad;
  if (options.vectors == "add") {
    x_NV_ = standardised(catalogue.x_ND);
    const int64_t from = x_NV_.size(1);
    projection_DV_ = parameters.normal("item_vectors.weight", {options.width, from},
                                       options.deviation / std::sqrt(static_cast<double>(from)));
  } else if (options.vectors == "init" && catalogue.x_ND.defined()) {
    // Scaled as the noise is, which columns beyond the vectors' width keep.
    const torch::Tensor start_NK =
        standardised(principal_components(catalogue.x_ND, options.width)) * options.deviation;
    table_ND_.slice(1, 0, start_NK.size(1)).copy_(start_NK);
  }
}

torch::Tensor ItemTable::all() const {
  return x_NV_.defined() ? table_ND_ + linear_product(x_NV_, projection_DV_) : table_ND_;
}

torch::Tensor ItemTable::rows(const torch::Tensor& item) const {
  const torch::Tensor own = at::embedding(table_ND_, item);
  if (!x_NV_.defined()) return own;
  return own +
         linear_product(x_NV_.index_select(0, item.flatten()), projection_DV_).view(own.sizes());
}

Outputs::Outputs(Parameters& parameters, const ItemTable* items, int64_t width, int64_t num_items,
                 bool tied_with_bias)
    : items_(items) {
  if (items_ == nullptr) weight_ND_ = parameters.xavier("outputs.weight", num_items, width);
  if (items_ == nullptr || tied_with_bias)
    bias_N_ = parameters.constant("outputs.bias", num_items, 0);
}

torch::Tensor Outputs::all() const {
  const torch::Tensor weight_ND = items_ != nullptr ? items_->all() : weight_ND_;
  return bias_N_.defined() ? at::cat({weight_ND, bias_N_.unsqueeze(1)}, 1) : weight_ND;
}

torch::Tensor Outputs::rows(const torch::Tensor& item) const {
  const torch::Tensor weight =
      items_ != nullptr ? items_->rows(item) : at::embedding(weight_ND_, item);
  if (!bias_N_.defined()) return weight;
  return at::cat({weight, at::embedding(bias_N_.unsqueeze(1), item)}, -1);
}

torch::Tensor Outputs::states(const torch::Tensor& h_RD) const {
  return bias_N_.defined() ? at::cat({h_RD, torch::ones({h_RD.size(0), 1})}, 1) : h_RD;
}

}  // namespace tsrec::sequential
