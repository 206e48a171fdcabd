#include "report/tsne.hpp"

#include <ATen/Parallel.h>

#include <algorithm>

#include "tsrec/nn/row_space.hpp"

namespace tsrec::host {
namespace {

// Squared distances between all pairs.
torch::Tensor squared_distances(const torch::Tensor& x_ND) {
  const torch::Tensor centred_ND = x_ND - x_ND.mean(0);  // less of the norms cancels
  const torch::Tensor square_N = centred_ND.square().sum(1);
  torch::Tensor distance_NN =
      square_N.unsqueeze(1) + square_N - 2 * torch::matmul(centred_ND, centred_ND.t());
  distance_NN.fill_diagonal_(0);
  return distance_NN.clamp_min_(0);
}

// exp(-beta d) with each row's sum 1, without the point itself.
torch::Tensor conditional(const torch::Tensor& distance_NN, const torch::Tensor& beta_N) {
  return torch::softmax(-beta_N.unsqueeze(1) * distance_NN, 1);
}

torch::Tensor entropy(const torch::Tensor& p_NN) { return -torch::xlogy(p_NN, p_NN).sum(1); }

}  // namespace

torch::Tensor tsne_affinities(const torch::Tensor& x_ND, double perplexity) {
  const torch::NoGradGuard no_grad;
  const int64_t count = x_ND.size(0);
  torch::Tensor distance_NN = squared_distances(x_ND.to(torch::kFloat64));
  // In units of each point's mean distance, so that the same bounds hold everywhere.
  const torch::Tensor mean_N = distance_NN.sum(1) / static_cast<double>(count - 1);
  distance_NN /= torch::where(mean_N > 0, mean_N, torch::ones_like(mean_N)).unsqueeze(1);
  distance_NN.fill_diagonal_(std::numeric_limits<double>::infinity());
  // The entropy falls with beta; halving the bounds of its logarithm 50 times leaves 1e-13 of it.
  torch::Tensor low_N = torch::full({count}, -30.0, torch::kFloat64), high_N = -low_N;
  const double wanted = std::log(perplexity);
  for (int step = 0; step < 50; ++step) {
    const torch::Tensor middle_N = (low_N + high_N) / 2;
    const torch::Tensor is_wide_N = entropy(conditional(distance_NN, middle_N.exp())) > wanted;
    low_N = torch::where(is_wide_N, middle_N, low_N);
    high_N = torch::where(is_wide_N, high_N, middle_N);
  }
  const torch::Tensor p_NN = conditional(distance_NN, high_N.exp());
  return (p_NN + p_NN.t()) / (2 * static_cast<double>(count));
}

double tsne_divergence(const torch::Tensor& p_NN, const torch::Tensor& y_N2) {
  torch::Tensor weight_NN = (1 + squared_distances(y_N2)).reciprocal();
  weight_NN.fill_diagonal_(0);
  const torch::Tensor q_NN = weight_NN / weight_NN.sum();
  // Where p is 0 nothing is lost; the diagonal is such.
  return (torch::xlogy(p_NN, p_NN) - torch::xlogy(p_NN, q_NN.clamp_min(1e-300)))
      .sum()
      .item<double>();
}

torch::Tensor tsne_gradient(const torch::Tensor& p_NN, const torch::Tensor& y_N2,
                            double exaggeration) {
  const int64_t count = y_N2.size(0);
  const torch::Tensor y_2N = y_N2.t().contiguous(), plain_NN = p_NN.contiguous();
  const double *x = y_2N.const_data_ptr<double>(), *y = x + count;
  const double* p = plain_NN.const_data_ptr<double>();
  // What pulls a point, what pushes it times the sum of all weights, and its part of that sum.
  struct Sums {
    double pull_x = 0, pull_y = 0, push_x = 0, push_y = 0, weight = 0;
  };
  std::vector<Sums> sums(static_cast<size_t>(count));
  at::parallel_for(0, count, 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Sums sum;
      const double* p_i = p + i * count;
      for (int64_t j = 0; j < count; ++j) {
        const double dx = x[i] - x[j], dy = y[i] - y[j];
        const double weight = 1 / (1 + dx * dx + dy * dy);
        const double pull = p_i[j] * weight, push = weight * weight;
        sum.pull_x += pull * dx;
        sum.pull_y += pull * dy;
        sum.push_x += push * dx;
        sum.push_y += push * dy;
        sum.weight += weight;
      }
      sum.weight -= 1;  // its own
      sums[static_cast<size_t>(i)] = sum;
    }
  });
  double all = 0;
  for (const Sums& sum : sums) all += sum.weight;
  torch::Tensor gradient_N2 = torch::empty_like(y_N2, torch::MemoryFormat::Contiguous);
  double* out = gradient_N2.mutable_data_ptr<double>();
  for (const Sums& sum : sums) {
    *out++ = 4 * (exaggeration * sum.pull_x - sum.push_x / all);
    *out++ = 4 * (exaggeration * sum.pull_y - sum.push_y / all);
  }
  return gradient_N2;
}

double tsne_perplexity(int64_t points, double wanted) {
  return std::min(wanted, static_cast<double>(points - 1) / 3);
}

torch::Tensor tsne(const torch::Tensor& x_ND, const TsneSettings& settings) {
  const torch::NoGradGuard no_grad;
  const int64_t count = x_ND.size(0);
  if (count < kFewestTsnePoints)
    throw DataError("t-SNE needs at least ", kFewestTsnePoints, " points, not ", count);
  const torch::Tensor exact_ND = x_ND.detach().cpu().to(torch::kFloat64);
  const nn::PrincipalPlane plane = nn::principal_plane(exact_ND);
  torch::Tensor y_N2 = torch::matmul(exact_ND - plane.mean_D, plane.axis_D2);
  y_N2 *= 1e-4 / y_N2.select(1, 0).std(/*unbiased=*/false).item<double>();
  const torch::Tensor p_NN = tsne_affinities(exact_ND, tsne_perplexity(count, settings.perplexity));
  const double rate = std::max(static_cast<double>(count) / settings.exaggeration / 4, 50.0);
  torch::Tensor velocity_N2 = torch::zeros_like(y_N2), gain_N2 = torch::ones_like(y_N2);
  for (int64_t step = 0; step < settings.steps; ++step) {
    const bool is_early = step < settings.exaggerated_steps;
    const torch::Tensor gradient_N2 =
        tsne_gradient(p_NN, y_N2, is_early ? settings.exaggeration : 1);
    const torch::Tensor goes_on_N2 = velocity_N2 * gradient_N2 < 0;
    gain_N2 = torch::where(goes_on_N2, gain_N2 + 0.2, gain_N2 * 0.8).clamp_min(0.01);
    velocity_N2 = (is_early ? 0.5 : 0.8) * velocity_N2 - rate * gain_N2 * gradient_N2;
    y_N2 = y_N2 + velocity_N2;
  }
  return y_N2 - y_N2.mean(0);
}

}  // namespace tsrec::host
