#include "nn/weight.hpp"

namespace tsrec::nn {
namespace {

// What is widened at once: 4 MB in float32, which stay in the last cache until they are used.
constexpr int64_t kWidened = 1 << 20;

}  // namespace

torch::Tensor Weight::product(const torch::Tensor& x_TD, const torch::Tensor& bias) const {
  if (whole_) {
    return bias.defined() ? torch::addmm(bias, x_TD, whole().t())
                          : torch::matmul(x_TD, whole().t());
  }
  int64_t columns = 0;
  for (const torch::Tensor& part : parts_) columns += part.size(0);
  torch::Tensor out_TC = torch::empty({x_TD.size(0), columns}, x_TD.options());
  const int64_t rows = std::max<int64_t>(kWidened / x_TD.size(1), 1);
  int64_t column = 0;
  for (const torch::Tensor& part : parts_) {
    for (int64_t begin = 0; begin < part.size(0); begin += rows) {
      const torch::Tensor piece = part.slice(0, begin, begin + rows).to(x_TD.scalar_type());
      torch::Tensor out = out_TC.slice(1, column, column + piece.size(0));
      at::mm_out(out, x_TD, piece.t());
      column += piece.size(0);
    }
  }
  return bias.defined() ? out_TC.add_(bias) : out_TC;
}

torch::Tensor Weight::rows(const torch::Tensor& row_T, torch::ScalarType precision) const {
  if (whole_) return at::embedding(whole(), row_T);
  return parts_.front().index_select(0, row_T).to(precision);
}

}  // namespace tsrec::nn
