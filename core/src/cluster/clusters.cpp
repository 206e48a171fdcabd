#include "cluster/clusters.hpp"

#include <ATen/Parallel.h>

#include "cluster/kmeans_kernel.hpp"

namespace tsrec::cluster {

Clusters::Clusters(torch::Tensor x_ND, int64_t clusters)
    : x_ND_(std::move(x_ND)),
      label_N_(torch::full({x_ND_.size(0)}, -1, torch::kInt64)),
      sum_KD_(torch::zeros({clusters, x_ND_.size(1)}, torch::kFloat64)),
      size_K_(torch::zeros({clusters}, torch::kInt64)) {}

void Clusters::update(const torch::Tensor& label_N) {
  const int64_t count = x_ND_.size(0), width = x_ND_.size(1), clusters = size_K_.size(0);
  const int64_t* label = label_N.const_data_ptr<int64_t>();
  int64_t* before = label_N_.mutable_data_ptr<int64_t>();
  int64_t* size = size_K_.mutable_data_ptr<int64_t>();
  std::vector<std::vector<int64_t>> joined_K(static_cast<size_t>(clusters)), left_K = joined_K;
  for (int64_t n = 0; n < count; ++n) {
    if (label[n] == before[n]) continue;
    joined_K[static_cast<size_t>(label[n])].push_back(n);
    ++size[label[n]];
    if (before[n] >= 0) {
      left_K[static_cast<size_t>(before[n])].push_back(n);
      --size[before[n]];
    }
    before[n] = label[n];
  }
  // Where the changes are half of what is left, summing anew reads as little.
  std::vector<uint8_t> is_new_K(static_cast<size_t>(clusters));
  for (size_t k = 0; k < is_new_K.size(); ++k) {
    const auto changes = static_cast<int64_t>(joined_K[k].size() + left_K[k].size());
    is_new_K[k] = 2 * changes > size[k];
    if (is_new_K[k] != 0) joined_K[k].clear();
  }
  for (int64_t n = 0; n < count; ++n) {
    const auto k = static_cast<size_t>(label[n]);
    if (is_new_K[k] != 0) joined_K[k].push_back(n);
  }
  const float* x = x_ND_.const_data_ptr<float>();
  double* sums = sum_KD_.mutable_data_ptr<double>();
  at::parallel_for(0, clusters, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      double* sum = sums + k * width;
      if (is_new_K[static_cast<size_t>(k)] != 0) {
        std::fill_n(sum, width, 0.0);
      } else {
        for (const int64_t n : left_K[static_cast<size_t>(k)])
          add_to(sum, x + n * width, -1, width);
      }
      for (const int64_t n : joined_K[static_cast<size_t>(k)]) add_to(sum, x + n * width, 1, width);
    }
  });
}

std::optional<int64_t> Clusters::empty() const {
  const int64_t* size = size_K_.const_data_ptr<int64_t>();
  const int64_t* found = std::find(size, size + size_K_.size(0), 0);
  if (found == size + size_K_.size(0)) return std::nullopt;
  return found - size;
}

int64_t Clusters::largest() const {
  const int64_t* size = size_K_.const_data_ptr<int64_t>();
  return std::max_element(size, size + size_K_.size(0)) - size;
}

std::vector<int64_t> Clusters::members(int64_t k) const {
  const int64_t* label = label_N_.const_data_ptr<int64_t>();
  std::vector<int64_t> rows;
  for (int64_t n = 0; n < label_N_.size(0); ++n) {
    if (label[n] == k) rows.push_back(n);
  }
  return rows;
}

torch::Tensor Clusters::mean(int64_t k) const { return sum_KD_[k] / size_K_[k]; }

torch::Tensor Clusters::means() const {
  return (sum_KD_ / size_K_.unsqueeze(1)).to(torch::kFloat32);
}

}  // namespace tsrec::cluster
