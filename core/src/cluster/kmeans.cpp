#include "tsrec/cluster/kmeans.hpp"

#include <ATen/Parallel.h>

#include "cluster/assignment.hpp"
#include "cluster/clusters.hpp"
#include "cluster/kmeans_kernel.hpp"

namespace tsrec::cluster {
namespace {

void check(const torch::Tensor& x_ND, const KMeansOptions& options) {
  const int64_t clusters = options.clusters;
  if (x_ND.dim() != 2 || x_ND.scalar_type() != torch::kFloat32)
    throw Error("k-means needs float32 vectors of shape [N, D]");
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

// Parts a cluster by the plane through its mean across the line to the vector farthest from it: the
// farther side becomes the cluster `empty`. Of equal vectors, one goes.
void split(const torch::Tensor& x_ND, const Clusters& clusters, int64_t largest, int64_t empty,
           Assignment& assignment) {
  const int64_t width = x_ND.size(1);
  const torch::Tensor mean_D = clusters.mean(largest).to(torch::kFloat32);
  const float* mean = mean_D.const_data_ptr<float>();
  const std::vector<int64_t> members = clusters.members(largest);
  const auto vector = [&](int64_t n) { return x_ND.const_data_ptr<float>() + n * width; };
  int64_t farthest = members.front();
  float most = 0;
  for (const int64_t n : members) {
    const float distance = squared_distance(vector(n), mean, width);
    if (distance > most) farthest = n;
    most = std::max(most, distance);
  }
  const torch::Tensor line_D = x_ND[farthest] - mean_D;
  const float* line = line_D.const_data_ptr<float>();
  const float middle = dot(mean, line, width);
  std::vector<int64_t> side;
  for (const int64_t n : members) {
    if (n == farthest || dot(vector(n), line, width) > middle) side.push_back(n);
  }
  // Equal vectors may all lie on one side of their own rounded mean.
  if (side.size() == members.size()) side = {farthest};
  for (const int64_t n : side) assignment.move(n, empty);
}

KMeans lloyd(const torch::Tensor& x_ND, const torch::Tensor& square_N, const KMeansOptions& options,
             at::Generator& generator) {
  KMeans result;
  result.center_KD = options.start_KD.defined()
                         ? options.start_KD.to(torch::kFloat32).contiguous()
                         : plus_plus_centers(x_ND, options.clusters, generator);
  Assignment assignment(x_ND, square_N, options.bound_bytes);
  Clusters clusters(x_ND, options.clusters);
  double before = std::numeric_limits<double>::infinity();
  bool is_fixed = false;  // no centre moved: nothing can change any more
  while (true) {
    assignment.update(result.center_KD);
    result.objective = assignment.distance_N().sum(torch::kFloat64).item<double>();
    const bool converged = is_fixed || (std::isfinite(before) &&
                                        before - result.objective <= options.tolerance * before);
    if (result.iterations == options.iterations || converged) {
      result.label_N = assignment.label_N();
      result.compared = assignment.compared();
      return result;
    }
    before = result.objective;
    clusters.update(assignment.label_N());
    while (const std::optional<int64_t> empty = clusters.empty()) {
      split(x_ND, clusters, clusters.largest(), *empty, assignment);
      clusters.update(assignment.label_N());
      ++result.repaired;
    }
    const torch::Tensor mean_KD = clusters.means();
    is_fixed = torch::equal(mean_KD, result.center_KD);
    result.center_KD = mean_KD;
    ++result.iterations;
  }
}

}  // namespace

KMeans kmeans(const torch::Tensor& x_ND, const KMeansOptions& options, at::Generator generator) {
  const torch::NoGradGuard no_grad;
  check(x_ND, options);
  const torch::Tensor x = x_ND.contiguous(), square_N = squared_norms(x);
  if (!square_N.isfinite().all().item<bool>()) {
    throw DataError(
        "k-means: the vectors hold NaN, infinite or huge values; check the encoder's output");
  }
  KMeans best;
  const int64_t restarts = options.start_KD.defined() ? 1 : options.restarts;
  for (int64_t restart = 0; restart < restarts; ++restart) {
    KMeans found = lloyd(x, square_N, options, generator);
    if (restart == 0 || found.objective < best.objective) best = std::move(found);
  }
  return best;
}

}  // namespace tsrec::cluster
