#include "tsrec/nn/row_space.hpp"

#include "tsrec/evenly_spaced.hpp"

namespace tsrec::nn {
namespace {

torch::Tensor exact(const torch::Tensor& row_ND) {
  torch::Tensor x_ND = row_ND.detach().cpu().to(torch::kFloat64);
  if (!x_ND.isfinite().all().item<bool>()) {
    throw DataError(
        "the embedding rows of the model hold NaN or infinite values; its checkpoint is damaged");
  }
  return x_ND;
}

// Variances along the principal axes, ascending, and the axes as columns.
struct Principal {
  torch::Tensor variance_D, axis_DD;
};
Principal principal(const torch::Tensor& x_ND) {
  const torch::Tensor centred_ND = x_ND - x_ND.mean(0);
  const torch::Tensor covariance_DD =
      torch::matmul(centred_ND.t(), centred_ND) / static_cast<double>(x_ND.size(0));
  const auto [variance_D, axis_DD] = torch::linalg_eigh(covariance_DD);
  return {variance_D.clamp_min(0), axis_DD};
}

// How many axes share the variance, if they shared it equally.
double dimensions(const torch::Tensor& variance_D) {
  const double squares = variance_D.square().sum().item<double>();
  const double sum = variance_D.sum().item<double>();
  return squares > 0 ? sum * sum / squares : 0;
}

// For each row the distance to the nearest word; that of a word to another one where `own_N` says
// which word each row is.
torch::Tensor nearest_distance(const torch::Tensor& row_ND, const torch::Tensor& word_VD,
                               const torch::Tensor& own_N = {}) {
  constexpr int64_t kRows = 128;  // at a time: the distances of 150,000 words take 150 MB
  const torch::Tensor square_V = word_VD.square().sum(1);
  std::vector<torch::Tensor> parts;
  for (int64_t begin = 0; begin < row_ND.size(0); begin += kRows) {
    const int64_t end = std::min(begin + kRows, row_ND.size(0));
    const torch::Tensor x_BD = row_ND.slice(0, begin, end);
    torch::Tensor square_BV = square_V - 2 * torch::matmul(x_BD, word_VD.t());
    square_BV += x_BD.square().sum(1, /*keepdim=*/true);
    if (own_N.defined()) {
      square_BV.scatter_(1, own_N.slice(0, begin, end).unsqueeze(1),
                         std::numeric_limits<double>::infinity());
    }
    parts.push_back(std::get<0>(square_BV.min(1)).clamp_min(0).sqrt());
  }
  return torch::cat(parts);
}

double average(const torch::Tensor& values) { return values.mean().item<double>(); }

}  // namespace

WordSpace::WordSpace(const torch::Tensor& word_VD, int64_t sampled) {
  const torch::NoGradGuard no_grad;
  const int64_t count = word_VD.size(0);
  if (count < 2) throw DataError("a model with ", count, " words shows no space of words");
  const torch::Tensor exact_VD = exact(word_VD);
  const auto [variance_D, axis_DD] = principal(exact_VD);
  if (variance_D.sum().item<double>() == 0)
    throw DataError("all rows of words are equal, so nothing can be compared with them");
  mean_D_ = exact_VD.mean(0);
  word_VD_ = exact_VD - mean_D_;  // distances do not change, and less of them cancels
  const torch::Tensor rest_D = variance_D.cumsum(0) / variance_D.sum();
  const int64_t left_out = (rest_D <= 1 - kLeading).sum().item<int64_t>();
  axis_DK_ = axis_DD.slice(1, left_out);

  length_ = average(exact_VD.norm(2, 1));
  const torch::Tensor own_S = torch::tensor(evenly_spaced(count, sampled));
  nearest_ = average(nearest_distance(word_VD_.index_select(0, own_S), word_VD_, own_S));
  if (nearest_ == 0) throw DataError("every word's row stands there twice; nothing is near or far");
  inside_ = inside(word_VD_);
  dimensions_ = dimensions(variance_D);
}

double WordSpace::inside(const torch::Tensor& row_ND) const {
  const double all = row_ND.square().sum().item<double>();
  return all > 0 ? torch::matmul(row_ND, axis_DK_).square().sum().item<double>() / all : 1;
}

RowPlace WordSpace::place_of(const torch::Tensor& row_ND) const {
  const torch::NoGradGuard no_grad;
  if (row_ND.size(0) == 0) throw Error("no rows to place among the words");
  const torch::Tensor exact_ND = exact(row_ND);
  const torch::Tensor centred_ND = exact_ND - mean_D_;
  return {average(exact_ND.norm(2, 1)) / length_,
          average(nearest_distance(centred_ND, word_VD_)) / nearest_, inside(centred_ND) / inside_,
          dimensions(principal(exact_ND).variance_D) / dimensions_};
}

PrincipalPlane principal_plane(const torch::Tensor& row_ND) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor x_ND = exact(row_ND);
  const auto [variance_D, axis_DD] = principal(x_ND);
  const int64_t width = x_ND.size(1);
  if (width < 2 || variance_D.sum().item<double>() == 0)
    throw DataError("rows of one number, or all equal, span no plane");
  torch::Tensor axis_D2 = axis_DD.slice(1, width - 2).flip(1);
  const torch::Tensor largest_2 = axis_D2.abs().argmax(0).unsqueeze(0);
  axis_D2 = axis_D2 * axis_D2.gather(0, largest_2).sign();
  const double shown = variance_D.slice(0, width - 2).sum().item<double>();
  return {x_ND.mean(0), axis_D2, shown / variance_D.sum().item<double>()};
}

}  // namespace tsrec::nn
