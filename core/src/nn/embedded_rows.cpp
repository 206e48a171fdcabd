#include "nn/embedded_rows.hpp"

#include <torch/autograd.h>

#include <algorithm>
#include <numeric>

#include "nn/element_type.hpp"
#include "nn/elementwise.hpp"
#include "nn/elementwise_kernel.hpp"
#include "nn/leaf_gradient.hpp"

namespace tsrec::nn {
namespace {

// sum_VD[row_T[t]] += x_TD[t]
void add_rows(const torch::Tensor& x_TD, const torch::Tensor& row_T, const torch::Tensor& sum_VD) {
  const int64_t* row = row_T.const_data_ptr<int64_t>();
  const int64_t count = row_T.size(0), width = x_TD.size(1);
  std::vector<int64_t> by_row(static_cast<size_t>(count));
  std::iota(by_row.begin(), by_row.end(), 0);
  std::stable_sort(by_row.begin(), by_row.end(),
                   [&](int64_t a, int64_t b) { return row[a] < row[b]; });
  std::vector<float> of_one(static_cast<size_t>(width));
  typed(x_TD, [&]<class T>(T) {
    for (auto t = by_row.begin(); t != by_row.end();) {
      const int64_t r = row[*t];
      std::fill(of_one.begin(), of_one.end(), 0.0f);
      for (; t != by_row.end() && row[*t] == r; ++t)
        add_widened(in<T>(x_TD) + *t * width, width, of_one.data());
      add_rounded(of_one.data(), width, out<T>(sum_VD) + r * width);
    }
  });
}

struct EmbeddedRows : torch::autograd::Function<EmbeddedRows> {
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx,
                               const torch::Tensor& weight_VD, const torch::Tensor& row_T) {
    ctx->save_for_backward({weight_VD, row_T});
    return weight_VD.index_select(0, row_T);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = ctx->get_saved_variables();
    const LeafGradient dweight_VD(saved[0]);
    add_rows(gradients[0].contiguous(), saved[1].contiguous(), dweight_VD.sum());
    return {dweight_VD.result(), torch::Tensor()};
  }
};

}  // namespace

torch::Tensor embedded_rows(const torch::Tensor& weight_VD, const torch::Tensor& row_T) {
  return has_kernel(weight_VD) ? EmbeddedRows::apply(weight_VD, row_T)
                               : at::embedding(weight_VD, row_T);
}

}  // namespace tsrec::nn
