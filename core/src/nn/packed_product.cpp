#include "nn/packed_product.hpp"

#include <ATen/core/dispatch/Dispatcher.h>

namespace tsrec::nn {
namespace {

// LibTorch offers these to its compiler only, without a C++ name; absent where it was built without
// oneDNN.
struct Operators {
  std::optional<c10::OperatorHandle> reorder = find("mkldnn::_reorder_linear_weight");
  std::optional<c10::OperatorHandle> product = find("mkldnn::_linear_pointwise");
  static std::optional<c10::OperatorHandle> find(const char* name) {
    return c10::Dispatcher::singleton().findSchema({name, ""});
  }
};

const Operators& operators() {
  static const Operators found;
  return found;
}

// Rows that the layout is chosen for: the beams of one or two users.
constexpr int64_t kRows = 64;

}  // namespace

bool can_pack(torch::ScalarType precision) {
  const bool is_fast = precision == torch::kFloat32 ||
                       (precision == torch::kBFloat16 && __builtin_cpu_supports("avx512bf16") != 0);
  return is_fast && operators().reorder && operators().product;
}

torch::Tensor packed(const torch::Tensor& weight_OI) {
  const torch::NoGradGuard no_grad;
  using Reorder = at::Tensor(const at::Tensor&, std::optional<c10::SymInt>);
  return operators().reorder->typed<Reorder>().call(weight_OI.detach().contiguous(),
                                                    c10::SymInt(kRows));
}

torch::Tensor packed_product(const torch::Tensor& x_TI, const torch::Tensor& packed_OI,
                             const torch::Tensor& bias_O) {
  using Product = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                             std::string_view, c10::List<std::optional<at::Scalar>>,
                             std::optional<std::string_view>);
  const std::optional<at::Tensor> bias =
      bias_O.defined() ? std::optional(bias_O.detach()) : std::nullopt;
  return operators().product->typed<Product>().call(x_TI, packed_OI, bias, "none",
                                                    c10::List<std::optional<at::Scalar>>(), "");
}

}  // namespace tsrec::nn
