#include "tsrec/product.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/autograd.h>

#include <atomic>
#include <cstdlib>

#include "product_kernel.hpp"
#include "simd.hpp"

namespace tsrec {
namespace {

// LibTorch offers these to its compiler only, without a C++ name; absent where it was built without
// oneDNN.
struct Operators {
  std::optional<c10::OperatorHandle> reorder = find("mkldnn::_reorder_linear_weight");
  std::optional<c10::OperatorHandle> linear = find("mkldnn::_linear_pointwise");
  static std::optional<c10::OperatorHandle> find(const char* name) {
    return c10::Dispatcher::singleton().findSchema({name, ""});
  }
};

const Operators& operators() {
  static const Operators found;
  return found;
}

// -1: nobody has chosen; else a ProductLibrary.
std::atomic<int> chosen = -1;

constexpr const char* kVariable = "TSREC_PRODUCTS";

ProductLibrary named_by_environment() {
  const char* value = std::getenv(kVariable);
  const std::string name = value == nullptr ? "auto" : value;
  if (name == "auto") {
    const ProductLibrary best = best_product_library(this_processor());
    return has_onednn() ? best : ProductLibrary::mkl;
  }
  if (name == "mkl") return ProductLibrary::mkl;
  if (name != "onednn") {
    throw ConfigError("the environment variable ", kVariable, " is \"", name,
                      "\"; it may be \"auto\", \"mkl\" or \"onednn\"");
  }
  if (!has_onednn())
    throw ConfigError("the environment variable ", kVariable,
                      " asks for oneDNN, but this LibTorch was built without it");
  return ProductLibrary::onednn;
}

// x [T, in] W^T + bias, row-major x; a weight that is row-major, column-major or packed.
torch::Tensor call_onednn(const torch::Tensor& x_TI, const torch::Tensor& weight_OI,
                          const torch::Tensor& bias_O) {
  const at::AutoDispatchBelowADInplaceOrView without_gradients;
  using Function = at::Tensor(
      const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, std::string_view,
      c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
  const std::optional<at::Tensor> bias = bias_O.defined() ? std::optional(bias_O) : std::nullopt;
  return operators().linear->typed<Function>().call(x_TI, weight_OI, bias, "none",
                                                    c10::List<std::optional<at::Scalar>>(), "");
}

bool is_column_major(const torch::Tensor& m) { return m.t().is_contiguous(); }

torch::Tensor row_major(const torch::Tensor& m_RC) {
  if (m_RC.is_contiguous() || !is_column_major(m_RC)) return m_RC.contiguous();
  const int64_t rows = m_RC.size(0), columns = m_RC.size(1);
  torch::Tensor copy_RC = torch::empty({rows, columns}, m_RC.options().requires_grad(false));
  const float* from = m_RC.const_data_ptr<float>();
  float* to = copy_RC.mutable_data_ptr<float>();
  constexpr int64_t kGrain = 16;  // rows of the copy: whole cache lines of what is read
  at::parallel_for(0, (rows + kGrain - 1) / kGrain, 1, [&](int64_t first, int64_t last) {
    transpose(from, columns, rows, first * kGrain, std::min(last * kGrain, rows), to);
  });
  return copy_RC;
}

// Row-major or column-major, with the strides that say so also where a side is 1: for all others
// oneDNN has nothing but a loop of three lines.
torch::Tensor plain(const torch::Tensor& m_RC) {
  const int64_t rows = m_RC.size(0), columns = m_RC.size(1);
  if (m_RC.is_contiguous()) return m_RC.as_strided({rows, columns}, {columns, 1});
  if (is_column_major(m_RC)) return m_RC.as_strided({rows, columns}, {1, rows});
  return m_RC.contiguous();
}

// oneDNN reads rows of its first matrix. Where a is transposed, as dY is for a weight's gradient,
// it may be less to copy b and the result instead: (b^T a^T)^T.
bool is_better_turned(const torch::Tensor& a_MK, const torch::Tensor& b_KN) {
  const int64_t rows = a_MK.size(0), inner = a_MK.size(1), columns = b_KN.size(1);
  return !a_MK.is_contiguous() && is_column_major(a_MK) &&
         rows * inner > columns * inner + rows * columns;
}

// a [M, K] b [K, N] + bias [N]. Forward a = x, b = W^T; dX = dY W; dW = dY^T X.
torch::Tensor by_onednn(const torch::Tensor& a_MK, const torch::Tensor& b_KN,
                        const torch::Tensor& bias_N = {}) {
  const at::AutoDispatchBelowADInplaceOrView without_gradients;
  if (!bias_N.defined() && is_better_turned(a_MK, b_KN))
    return row_major(call_onednn(row_major(b_KN.t()), plain(a_MK), {}).t());
  return call_onednn(row_major(a_MK), plain(b_KN.t()), bias_N);
}

bool is_for_onednn(const torch::Tensor& a_MK, const torch::Tensor& b_KN) {
  // Below this many multiply-adds its call costs more than its arithmetic saves: 15 microseconds
  // against 2 of MKL's.
  constexpr int64_t kLeast = 1 << 20;
  return a_MK.scalar_type() == torch::kFloat32 && a_MK.is_cpu() &&
         product_library() == ProductLibrary::onednn &&
         a_MK.size(0) * a_MK.size(1) * b_KN.size(1) >= kLeast;
}

struct Linear : torch::autograd::Function<Linear> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const torch::Tensor& x_TI,
                               const torch::Tensor& weight_OI,
                               const std::optional<torch::Tensor>& bias_O) {
    // Where the weight stands still, x is not needed again.
    ctx->save_for_backward({weight_OI.requires_grad() ? x_TI : torch::Tensor(), weight_OI});
    ctx->saved_data["has_bias"] = bias_O.has_value();
    return by_onednn(x_TI, weight_OI.t(), bias_O.value_or(torch::Tensor()));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const torch::Tensor &x_TI = saved[0], &weight_OI = saved[1], &dy_TO = gradients[0];
    torch::Tensor dx_TI, dweight_OI, dbias_O;
    if (ctx->needs_input_grad(0)) dx_TI = by_onednn(dy_TO, weight_OI);
    if (ctx->needs_input_grad(1)) dweight_OI = by_onednn(dy_TO.t(), x_TI);
    if (ctx->saved_data["has_bias"].toBool() && ctx->needs_input_grad(2)) dbias_O = dy_TO.sum(0);
    return {dx_TI, dweight_OI, dbias_O};
  }
};

bool needs_gradient(const torch::Tensor& x) { return x.defined() && x.requires_grad(); }

}  // namespace

const char* name_of(ProductLibrary library) {
  return library == ProductLibrary::onednn ? "onednn" : "mkl";
}

const char* shown_name(ProductLibrary library) {
  return library == ProductLibrary::onednn ? "oneDNN" : "MKL";
}

Processor this_processor() { return {__builtin_cpu_is("intel") != 0, has_avx512()}; }

ProductLibrary best_product_library(const Processor& processor) {
  return processor.has_avx512 && !processor.is_intel ? ProductLibrary::onednn : ProductLibrary::mkl;
}

bool has_onednn() { return operators().reorder && operators().linear; }

ProductLibrary default_product_library() {
  static const ProductLibrary named = named_by_environment();
  return named;
}

ProductLibrary product_library() {
  const int library = chosen.load(std::memory_order_relaxed);
  return library < 0 ? default_product_library() : static_cast<ProductLibrary>(library);
}

void use_product_library(ProductLibrary library) {
  if (library == ProductLibrary::onednn && !has_onednn())
    throw Error("products by oneDNN were asked for, but this LibTorch was built without it");
  chosen.store(static_cast<int>(library), std::memory_order_relaxed);
}

torch::Tensor linear_product(const torch::Tensor& x_TI, const torch::Tensor& weight_OI,
                             const torch::Tensor& bias_O) {
  const torch::Tensor weight_IO = weight_OI.t();
  if (!is_for_onednn(x_TI, weight_IO)) {
    return bias_O.defined() ? torch::addmm(bias_O, x_TI, weight_IO)
                            : torch::matmul(x_TI, weight_IO);
  }
  const bool has_graph =
      torch::GradMode::is_enabled() &&
      (needs_gradient(x_TI) || needs_gradient(weight_OI) || needs_gradient(bias_O));
  if (!has_graph) return by_onednn(x_TI, weight_IO, bias_O);
  return Linear::apply(x_TI, weight_OI, bias_O.defined() ? std::optional(bias_O) : std::nullopt);
}

torch::Tensor linear_product_in(torch::Tensor memory_TO, const torch::Tensor& x_TI,
                                const torch::Tensor& weight_OI) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor weight_IO = weight_OI.t();
  if (is_for_onednn(x_TI, weight_IO)) return by_onednn(x_TI, weight_IO);
  at::mm_out(memory_TO, x_TI, weight_IO);
  return memory_TO;
}

void add_product(torch::Tensor& sum_MN, const torch::Tensor& a_MK, const torch::Tensor& b_KN) {
  const torch::NoGradGuard no_grad;
  if (is_for_onednn(a_MK, b_KN)) {
    sum_MN.add_(by_onednn(a_MK, b_KN));
  } else {
    sum_MN.addmm_(a_MK, b_KN);
  }
}

bool can_pack(torch::ScalarType precision) {
  const bool is_fast = precision == torch::kFloat32 ||
                       (precision == torch::kBFloat16 && __builtin_cpu_supports("avx512bf16") != 0);
  return is_fast && has_onednn();
}

torch::Tensor packed(const torch::Tensor& weight_OI) {
  constexpr int64_t kRows = 64;  // that the layout is chosen for: the beams of one or two users
  const torch::NoGradGuard no_grad;
  using Reorder = at::Tensor(const at::Tensor&, std::optional<c10::SymInt>);
  return operators().reorder->typed<Reorder>().call(weight_OI.detach().contiguous(),
                                                    c10::SymInt(kRows));
}

torch::Tensor packed_product(const torch::Tensor& x_TI, const torch::Tensor& packed_OI,
                             const torch::Tensor& bias_O) {
  return call_onednn(x_TI, packed_OI, bias_O);
}

}  // namespace tsrec
