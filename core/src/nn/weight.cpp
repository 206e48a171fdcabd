#include "nn/weight.hpp"

#include <ATen/Parallel.h>

#include "nn/embedded_rows.hpp"
#include "tsrec/product.hpp"

namespace tsrec::nn {
namespace {

// What a thread widens at once: 2 MB in float32, which stay in its caches until they are used.
constexpr int64_t kWidened = 1 << 19;

struct Piece {
  torch::Tensor weight_RD;
  int64_t column;  // of its first row's products
};

std::vector<Piece> pieces_of(const std::vector<torch::Tensor>& parts, int64_t rows) {
  std::vector<Piece> pieces;
  int64_t column = 0;
  for (const torch::Tensor& part : parts) {
    for (int64_t begin = 0; begin < part.size(0); begin += rows) {
      pieces.push_back({part.slice(0, begin, begin + rows), column + begin});
    }
    column += part.size(0);
  }
  return pieces;
}

// MKL's ordinary float32 product is as fast from about here on; oneDNN's stays behind.
bool is_better_packed(const torch::Tensor& x_TD) {
  constexpr int64_t kFewRows = 128;
  return x_TD.scalar_type() == torch::kBFloat16 || product_library() == ProductLibrary::onednn ||
         x_TD.size(0) <= kFewRows;
}

}  // namespace

void Weight::pack(torch::ScalarType precision) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> rows;
  for (const torch::Tensor& part : parts_) rows.push_back(part.to(precision));
  packed_ = packed(rows.size() == 1 ? rows.front() : torch::cat(rows));
}

torch::Tensor Weight::product(const torch::Tensor& x_TD, const torch::Tensor& bias) const {
  if (packed_.defined() && !torch::GradMode::is_enabled() && is_better_packed(x_TD))
    return packed_product(x_TD, packed_, bias);
  if (whole_) return linear_product(x_TD, whole(), bias);
  const std::vector<Piece> pieces =
      pieces_of(parts_, std::max<int64_t>(kWidened / x_TD.size(1), 1));
  const int64_t columns = pieces.back().column + pieces.back().weight_RD.size(0);
  torch::Tensor out_TC = torch::empty({x_TD.size(0), columns}, x_TD.options());
  at::parallel_for(0, static_cast<int64_t>(pieces.size()), /*grain_size=*/1,
                   [&](int64_t first, int64_t last) {
                     const torch::NoGradGuard no_grad;  // the mode belongs to the thread
                     for (int64_t i = first; i < last; ++i) {
                       const auto& [weight_RD, column] = pieces[static_cast<size_t>(i)];
                       torch::Tensor out = out_TC.slice(1, column, column + weight_RD.size(0));
                       // Copies nothing where the product was written there at once.
                       out.copy_(linear_product_in(out, x_TD, weight_RD.to(x_TD.scalar_type())));
                     }
                   });
  return bias.defined() ? out_TC.add_(bias) : out_TC;
}

torch::Tensor Weight::product(const Recomputed& x_TD, const torch::Tensor& bias) const {
  const bool has_graph = whole_ && torch::GradMode::is_enabled();
  return has_graph ? recomputed_product(x_TD, whole(), bias) : product(x_TD.value, bias);
}

torch::Tensor Weight::rows(const torch::Tensor& row_T, torch::ScalarType precision) const {
  if (whole_) return embedded_rows(whole(), row_T);
  return parts_.front().index_select(0, row_T).to(precision);
}

}  // namespace tsrec::nn
