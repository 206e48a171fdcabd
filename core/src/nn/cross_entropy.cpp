#include "tsrec/nn/cross_entropy.hpp"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>
#include <torch/autograd.h>

#include "nn/element_type.hpp"
#include "nn/head_kernel.hpp"
#include "tsrec/nn/head.hpp"
#include "tsrec/product.hpp"

namespace tsrec::nn {
namespace {

// What the logits of some rows become: their errors, the rows' sums, and log p of their labels.
void make_errors(const torch::Tensor& logit_RV, const torch::Tensor& label_R,
                 const torch::Tensor& sum_R, const torch::Tensor& log_prob_R) {
  const int64_t columns = logit_RV.size(1);
  const int64_t* label = label_R.const_data_ptr<int64_t>();
  float *logit = out(logit_RV), *sum = out(sum_R), *log_prob = out(log_prob_R);
  at::parallel_for(0, logit_RV.size(0), /*grain_size=*/16, [&](int64_t begin, int64_t end) {
    softmax_errors({logit + begin * columns, end - begin, columns, /*first_column=*/0},
                   label + begin, sum + begin, log_prob + begin);
  });
}

// The error of a row: e = exp(z - largest), and at the label e - s, s the row's sum. The gradients
// of its loss are W^T e / s and (h / s) e^T, so that only what is as narrow as h is divided.
struct MeanCrossEntropy : torch::autograd::Function<MeanCrossEntropy> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx,
                               const torch::Tensor& weight_VD, const torch::Tensor& h_in,
                               const torch::Tensor& label_in, int64_t block_rows) {
    const torch::Tensor h_RD = h_in.contiguous(), label_R = label_in.contiguous();
    const int64_t count = h_RD.size(0);
    const auto options = h_RD.options().requires_grad(false);
    const torch::Tensor log_prob_R = torch::empty({count}, options);
    const torch::Tensor memory_BV =
        torch::empty({std::min(count, block_rows), weight_VD.size(0)}, options);
    torch::Tensor dh_RD, dweight_VD;
    if (h_in.requires_grad()) dh_RD = torch::empty(h_RD.sizes(), options);
    for (int64_t begin = 0; begin < count; begin += block_rows) {
      const int64_t rows = std::min(block_rows, count - begin);
      const auto block = [&](const torch::Tensor& x) { return x.slice(0, begin, begin + rows); };
      const torch::Tensor sum_B = torch::empty({rows}, options);
      const torch::Tensor error_BV =
          linear_product_in(memory_BV.slice(0, 0, rows), block(h_RD), weight_VD);
      make_errors(error_BV, block(label_R), sum_B, block(log_prob_R));
      const torch::Tensor share_B1 = (sum_B * static_cast<double>(count)).reciprocal().unsqueeze(1);
      if (dh_RD.defined()) {
        torch::Tensor dh = block(dh_RD);
        dh.copy_(linear_product_in(dh, error_BV, weight_VD.t()) * share_B1);
      }
      if (!weight_VD.requires_grad()) continue;
      const torch::Tensor shared_BD = block(h_RD) * share_B1;
      if (dweight_VD.defined()) {
        add_product(dweight_VD, error_BV.t(), shared_BD);
      } else {
        dweight_VD = linear_product(error_BV.t(), shared_BD.t());
      }
    }
    ctx->save_for_backward({dweight_VD, dh_RD});
    return -log_prob_R.mean();
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto factor = gradients[0].item<double>();  // 1 where the loss is nothing but this mean
    const auto scaled = [&](const torch::Tensor& x) {
      return !x.defined() || factor == 1 ? x : x * factor;
    };
    return {scaled(saved[0]), scaled(saved[1]), torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

torch::Tensor mean_cross_entropy(const torch::Tensor& weight_VD, const torch::Tensor& h_RD,
                                 const torch::Tensor& label_R, int64_t most_logits) {
  constexpr int64_t kFewRows = 32;  // of a product
  const int64_t block_rows = most_logits / weight_VD.size(0);
  const bool has_kernel = h_RD.is_cpu() && h_RD.scalar_type() == torch::kFloat32;
  if (!has_kernel || block_rows < kFewRows)
    return -label_log_prob({.weight_VD = weight_VD}, h_RD, label_R).mean();
  RECORD_USER_SCOPE("MeanCrossEntropy");
  return MeanCrossEntropy::apply(weight_VD, h_RD, label_R, block_rows);
}

}  // namespace tsrec::nn
