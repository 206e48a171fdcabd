#include "tsrec/nn/kmeans.hpp"

#include <ATen/Parallel.h>

#include "nn/assignment.hpp"
#include "nn/kmeans_kernel.hpp"

namespace tsrec::nn {
namespace {

void check(const torch::Tensor& x_ND, const KMeansOptions& options) {
  const int64_t clusters = options.clusters;
  if (x_ND.dim() != 2 || x_ND.scalar_type() != torch::kFloat32)
    throw Error("k-means needs float32 vectors of shape [N, D]");
  if (!x_ND.isfinite().all().item<bool>()) {
    throw DataError("k-means: the vectors hold NaN or infinite values; check the encoder's output");
  }
  if (clusters > x_ND.size(0)) {
    throw DataError("k-means: ", clusters, " clusters of ", x_ND.size(0),
                    " vectors; choose at most as many codes as items");
  }
  if (options.start_KD.defined() &&
      options.start_KD.sizes() != at::IntArrayRef({clusters, x_ND.size(1)})) {
    throw Error("k-means: the centres to begin with have the shape ", options.start_KD.sizes(),
                "; expected [", clusters, ", ", x_ND.size(1), "]");
  }
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
        nearest =
            std::min(nearest, static_cast<double>(squared_distance(x + n * width, center, width)));
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

// Every cluster sums its vectors in their order, whatever the number of threads.
Clusters gather(const torch::Tensor& x_ND, const torch::Tensor& label_N, int64_t clusters) {
  const int64_t count = x_ND.size(0), width = x_ND.size(1);
  const float* x = x_ND.const_data_ptr<float>();
  const int64_t* label = label_N.const_data_ptr<int64_t>();
  std::vector<std::vector<int64_t>> members_K(static_cast<size_t>(clusters));
  for (int64_t n = 0; n < count; ++n) members_K[static_cast<size_t>(label[n])].push_back(n);
  Clusters result{std::vector<double>(static_cast<size_t>(clusters * width), 0.0), {}};
  for (const auto& members : members_K)
    result.size_K.push_back(static_cast<int64_t>(members.size()));
  at::parallel_for(0, clusters, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      for (const int64_t n : members_K[static_cast<size_t>(k)])
        add_to(result.sum_KD.data() + k * width, x + n * width, width);
    }
  });
  return result;
}

// Gives every empty cluster the vector of the largest cluster that lies farthest from its centre.
// Returns how many.
int64_t repair(const torch::Tensor& x_ND, Assignment& assignment, Clusters& clusters) {
  const int64_t count = x_ND.size(0), width = x_ND.size(1);
  const int64_t* label = assignment.label_N().const_data_ptr<int64_t>();
  const float* distance = assignment.distance_N().const_data_ptr<float>();
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
    assignment.move(farthest, static_cast<int64_t>(empty));
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
  result.center_KD = options.start_KD.defined()
                         ? options.start_KD.to(torch::kFloat32).contiguous()
                         : plus_plus_centers(x_ND, options.clusters, generator);
  Assignment assignment(x_ND);
  double before = std::numeric_limits<double>::infinity();
  while (true) {
    assignment.update(result.center_KD);
    result.objective = assignment.distance_N().sum(torch::kFloat64).item<double>();
    const bool converged =
        std::isfinite(before) && before - result.objective <= options.tolerance * before;
    if (result.iterations == options.iterations || converged) {
      result.label_N = assignment.label_N();
      return result;
    }
    before = result.objective;
    Clusters clusters = gather(x_ND, assignment.label_N(), options.clusters);
    result.repaired += repair(x_ND, assignment, clusters);
    result.center_KD = means(clusters, x_ND.size(1));
    ++result.iterations;
  }
}

}  // namespace

std::pair<torch::Tensor, torch::Tensor> nearest(const torch::Tensor& x_ND,
                                                const torch::Tensor& center_KD) {
  const torch::NoGradGuard no_grad;
  Assignment assignment(x_ND.contiguous());
  assignment.update(center_KD);
  return {assignment.label_N(), assignment.distance_N()};
}

KMeans kmeans(const torch::Tensor& x_ND, const KMeansOptions& options, at::Generator generator) {
  const torch::NoGradGuard no_grad;
  check(x_ND, options);
  const torch::Tensor x = x_ND.contiguous();
  KMeans best;
  const int64_t restarts = options.start_KD.defined() ? 1 : options.restarts;
  for (int64_t restart = 0; restart < restarts; ++restart) {
    KMeans found = lloyd(x, options, generator);
    if (restart == 0 || found.objective < best.objective) best = std::move(found);
  }
  return best;
}

}  // namespace tsrec::nn
