#include "tsrec/nn/kmeans.hpp"

namespace tsrec::nn {
namespace {

constexpr int64_t kRowsAtOnce = 2048;

void check(const torch::Tensor& x_ND, int64_t clusters) {
  if (x_ND.dim() != 2 || x_ND.scalar_type() != torch::kFloat32)
    throw Error("k-means needs float32 vectors of shape [N, D]");
  if (!x_ND.isfinite().all().item<bool>()) {
    throw DataError("k-means: the vectors hold NaN or infinite values; check the encoder's output");
  }
  if (clusters > x_ND.size(0)) {
    throw DataError("k-means: ", clusters, " clusters of ", x_ND.size(0),
                    " vectors; choose at most as many codes as items");
  }
}

double squared_distance(const float* a, const float* b, int64_t width) {
  double sum = 0;
  for (int64_t d = 0; d < width; ++d)
    sum += (static_cast<double>(a[d]) - b[d]) * (static_cast<double>(a[d]) - b[d]);
  return sum;
}

// D^2 sampling (Arthur and Vassilvitskii, 2007).
torch::Tensor plus_plus_centers(const torch::Tensor& x_ND, int64_t clusters,
                                at::Generator& generator) {
  const int64_t count = x_ND.size(0), width = x_ND.size(1);
  const float* x = x_ND.const_data_ptr<float>();
  const torch::Tensor uniform_K = torch::rand({clusters}, generator, torch::kFloat64);
  std::vector<double> distance(static_cast<size_t>(count), std::numeric_limits<double>::infinity());
  torch::Tensor center_KD = torch::empty({clusters, width});
  int64_t chosen = std::min(
      count - 1, static_cast<int64_t>(uniform_K[0].item<double>() * static_cast<double>(count)));
  for (int64_t k = 0; k < clusters; ++k) {
    const float* center = x + chosen * width;
    std::copy(center, center + width, center_KD.mutable_data_ptr<float>() + k * width);
    at::parallel_for(0, count, /*grain_size=*/512, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n) {
        double& nearest = distance[static_cast<size_t>(n)];
        nearest = std::min(nearest, squared_distance(x + n * width, center, width));
      }
    });
    if (k + 1 == clusters) break;
    const double total = std::accumulate(distance.begin(), distance.end(), 0.0);
    double left = uniform_K[k + 1].item<double>() * total;
    chosen = 0;
    // With every vector on a centre already, the first one serves as well as any.
    for (int64_t n = 0; n < count && total > 0; ++n) {
      if (distance[static_cast<size_t>(n)] == 0) continue;
      chosen = n;
      left -= distance[static_cast<size_t>(n)];
      if (left < 0) break;
    }
  }
  return center_KD;
}

struct Clusters {
  std::vector<double> sum_KD;
  std::vector<int64_t> size_K;
};

Clusters gather(const torch::Tensor& x_ND, const torch::Tensor& label_N, int64_t clusters) {
  const int64_t count = x_ND.size(0), width = x_ND.size(1);
  const float* x = x_ND.const_data_ptr<float>();
  const int64_t* label = label_N.const_data_ptr<int64_t>();
  Clusters result{std::vector<double>(static_cast<size_t>(clusters * width), 0.0),
                  std::vector<int64_t>(static_cast<size_t>(clusters), 0)};
  for (int64_t n = 0; n < count; ++n) {
    double* sum = result.sum_KD.data() + label[n] * width;
    for (int64_t d = 0; d < width; ++d) sum[d] += x[n * width + d];
    ++result.size_K[static_cast<size_t>(label[n])];
  }
  return result;
}

// Gives every empty cluster the vector of the largest cluster that lies farthest from its centre.
// Returns how many.
int64_t repair(const torch::Tensor& x_ND, torch::Tensor& label_N, torch::Tensor& distance_N,
               Clusters& clusters) {
  const int64_t count = x_ND.size(0), width = x_ND.size(1);
  int64_t* label = label_N.mutable_data_ptr<int64_t>();
  float* distance = distance_N.mutable_data_ptr<float>();
  const float* x = x_ND.const_data_ptr<float>();
  int64_t repaired = 0;
  for (size_t empty = 0; empty < clusters.size_K.size(); ++empty) {
    if (clusters.size_K[empty] > 0) continue;
    const auto largest =
        std::max_element(clusters.size_K.begin(), clusters.size_K.end()) - clusters.size_K.begin();
    int64_t farthest = -1;
    for (int64_t n = 0; n < count; ++n) {
      if (label[n] == largest && (farthest < 0 || distance[n] > distance[farthest])) farthest = n;
    }
    for (int64_t d = 0; d < width; ++d) {
      const double value = x[farthest * width + d];
      clusters.sum_KD[static_cast<size_t>(largest * width + d)] -= value;
      clusters.sum_KD[empty * static_cast<size_t>(width) + static_cast<size_t>(d)] = value;
    }
    --clusters.size_K[static_cast<size_t>(largest)];
    clusters.size_K[empty] = 1;
    label[farthest] = static_cast<int64_t>(empty);
    distance[farthest] = 0;
    ++repaired;
  }
  return repaired;
}

torch::Tensor means(const Clusters& clusters, int64_t width) {
  const auto count = static_cast<int64_t>(clusters.size_K.size());
  torch::Tensor center_KD = torch::empty({count, width});
  float* center = center_KD.mutable_data_ptr<float>();
  for (int64_t k = 0; k < count; ++k) {
    for (int64_t d = 0; d < width; ++d) {
      center[k * width + d] =
          static_cast<float>(clusters.sum_KD[static_cast<size_t>(k * width + d)] /
                             static_cast<double>(clusters.size_K[static_cast<size_t>(k)]));
    }
  }
  return center_KD;
}

KMeans lloyd(const torch::Tensor& x_ND, const KMeansOptions& options, at::Generator& generator) {
  KMeans result;
  result.center_KD = plus_plus_centers(x_ND, options.clusters, generator);
  double before = std::numeric_limits<double>::infinity();
  while (true) {
    auto [label_N, distance_N] = nearest(x_ND, result.center_KD);
    result.objective = distance_N.sum(torch::kFloat64).item<double>();
    result.label_N = label_N;
    const bool converged = before - result.objective <= options.tolerance * before;
    if (result.iterations == options.iterations || (converged && std::isfinite(before)))
      return result;
    before = result.objective;
    Clusters clusters = gather(x_ND, label_N, options.clusters);
    result.repaired += repair(x_ND, label_N, distance_N, clusters);
    result.center_KD = means(clusters, x_ND.size(1));
    ++result.iterations;
  }
}

}  // namespace

std::pair<torch::Tensor, torch::Tensor> nearest(const torch::Tensor& x_ND,
                                                const torch::Tensor& center_KD) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = x_ND.contiguous(), center = center_KD.contiguous();
  const int64_t count = x.size(0), width = x.size(1), clusters = center.size(0);
  const torch::Tensor half_norm_K = center.square().sum(1) / 2;
  torch::Tensor label_N = torch::empty({count}, torch::kInt64), distance_N = torch::empty({count});
  for (int64_t first = 0; first < count; first += kRowsAtOnce) {
    const int64_t rows = std::min(kRowsAtOnce, count - first);
    // argmin |x - c|^2 = argmin |c|^2 / 2 - x c
    const torch::Tensor score_RK =
        torch::addmm(half_norm_K, x.slice(0, first, first + rows), center.t(), 1, -1);
    at::parallel_for(0, rows, /*grain_size=*/64, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const float* score = score_RK.const_data_ptr<float>() + r * clusters;
        const int64_t best = std::min_element(score, score + clusters) - score;
        label_N.mutable_data_ptr<int64_t>()[first + r] = best;
        // Recomputed: the expansion above cancels when a vector lies close to its centre.
        distance_N.mutable_data_ptr<float>()[first + r] = static_cast<float>(
            squared_distance(x.const_data_ptr<float>() + (first + r) * width,
                             center.const_data_ptr<float>() + best * width, width));
      }
    });
  }
  return {label_N, distance_N};
}

KMeans kmeans(const torch::Tensor& x_ND, const KMeansOptions& options, at::Generator generator) {
  const torch::NoGradGuard no_grad;
  check(x_ND, options.clusters);
  const torch::Tensor x = x_ND.contiguous();
  KMeans best;
  for (int64_t restart = 0; restart < options.restarts; ++restart) {
    KMeans found = lloyd(x, options, generator);
    if (restart == 0 || found.objective < best.objective) best = std::move(found);
  }
  return best;
}

}  // namespace tsrec::nn
