#include "nn/assignment.hpp"

#include <ATen/Parallel.h>

#include <numeric>

#include "nn/kmeans_kernel.hpp"

namespace tsrec::nn {
namespace {

// Vectors that one thread compares at once: their products with the centres stay in its cache.
constexpr int64_t kTileRows = 512;

// Rounding of |x|^2 - 2 x c + |c|^2 in float32, relative to |x|^2 + |c|^2.
constexpr double kRounding = 1e-5;

}  // namespace

Assignment::Assignment(torch::Tensor x_ND) : x_ND_(std::move(x_ND)) {
  const int64_t count = x_ND_.size(0);
  square_N_ = x_ND_.square().sum(1);
  label_N_ = torch::zeros({count}, torch::kInt64);
  distance_N_ = torch::zeros({count});
  other_N_ = torch::zeros({count});
}

void Assignment::update(const torch::Tensor& center_in) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor center_KD = center_in.contiguous();
  std::vector<int64_t> rows;
  if (center_KD_.defined()) {
    follow(center_KD);
    rows = undecided(center_KD);
  } else {
    rows.resize(static_cast<size_t>(x_ND_.size(0)));
    std::iota(rows.begin(), rows.end(), int64_t{0});
  }
  compare(rows, center_KD);
  center_KD_ = center_KD.clone();
}

void Assignment::move(int64_t row, int64_t label) {
  label_N_.mutable_data_ptr<int64_t>()[row] = label;
  distance_N_.mutable_data_ptr<float>()[row] = 0;
  other_N_.mutable_data_ptr<float>()[row] = 0;
}

// Bounds shrink by the way of the centre that went farthest, or, for its own vectors, of the next
// one.
void Assignment::follow(const torch::Tensor& center_KD) {
  const torch::Tensor way_K =
      (center_KD.to(torch::kFloat64) - center_KD_).square().sum(1).sqrt().contiguous();
  const double* way = way_K.const_data_ptr<double>();
  const int64_t clusters = way_K.size(0);
  const int64_t farthest = std::max_element(way, way + clusters) - way;
  double next = 0;
  for (int64_t k = 0; k < clusters; ++k) {
    if (k != farthest) next = std::max(next, way[k]);
  }
  const int64_t* label = label_N_.const_data_ptr<int64_t>();
  float* other = other_N_.mutable_data_ptr<float>();
  for (int64_t n = 0; n < label_N_.size(0); ++n) {
    const double shrunk = other[n] - (label[n] == farthest ? next : way[farthest]);
    other[n] = std::nextafter(static_cast<float>(shrunk), -1.0f);
  }
}

// Measures the distance of every vector to its own centre; those that another could be nearer to.
std::vector<int64_t> Assignment::undecided(const torch::Tensor& center_KD) {
  const int64_t count = x_ND_.size(0), width = x_ND_.size(1);
  const float* x = x_ND_.const_data_ptr<float>();
  const float* center = center_KD.const_data_ptr<float>();
  const int64_t* label = label_N_.const_data_ptr<int64_t>();
  float* distance = distance_N_.mutable_data_ptr<float>();
  at::parallel_for(0, count, /*grain_size=*/512, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      distance[n] = squared_distance(x + n * width, center + label[n] * width, width);
  });
  const float* other = other_N_.const_data_ptr<float>();
  std::vector<int64_t> rows;
  for (int64_t n = 0; n < count; ++n) {
    const double own = std::sqrt(static_cast<double>(distance[n]) * (1 + kRounding));
    if (own >= other[n]) rows.push_back(n);
  }
  return rows;
}

void Assignment::compare(const std::vector<int64_t>& rows, const torch::Tensor& center_KD) {
  const int64_t width = x_ND_.size(1), clusters = center_KD.size(0);
  const auto count = static_cast<int64_t>(rows.size());
  const torch::Tensor half_norm_K = center_KD.square().sum(1) / 2;
  const double largest_norm = 2.0 * half_norm_K.max().item<double>();
  const float* x = x_ND_.const_data_ptr<float>();
  const bool all = count == x_ND_.size(0);
  const int64_t tiles = (count + kTileRows - 1) / kTileRows;
  at::parallel_for(0, tiles, /*grain_size=*/1, [&](int64_t first_tile, int64_t last_tile) {
    const torch::NoGradGuard no_grad;  // the mode belongs to the thread
    torch::Tensor tile_RD, product_RK = torch::empty({std::min(kTileRows, count), clusters});
    if (!all) tile_RD = torch::empty({std::min(kTileRows, count), width});
    for (int64_t t = first_tile; t < last_tile; ++t) {
      const int64_t begin = t * kTileRows, end = std::min(begin + kTileRows, count);
      torch::Tensor some_RD;
      if (all) {
        some_RD = x_ND_.slice(0, begin, end);
      } else {
        for (int64_t r = begin; r < end; ++r)
          std::copy_n(x + rows[static_cast<size_t>(r)] * width, width,
                      tile_RD.mutable_data_ptr<float>() + (r - begin) * width);
        some_RD = tile_RD.slice(0, 0, end - begin);
      }
      torch::Tensor product = product_RK.slice(0, 0, end - begin);
      at::mm_out(product, some_RD, center_KD.t());
      for (int64_t r = begin; r < end; ++r) {
        const int64_t n = rows[static_cast<size_t>(r)];
        const NearestTwo two = nearest_two(product.const_data_ptr<float>() + (r - begin) * clusters,
                                           half_norm_K.const_data_ptr<float>(), clusters);
        const double square = square_N_.const_data_ptr<float>()[n];
        const double other = square + 2.0 * two.second - kRounding * (square + largest_norm);
        label_N_.mutable_data_ptr<int64_t>()[n] = two.index;
        other_N_.mutable_data_ptr<float>()[n] = static_cast<float>(std::sqrt(std::max(0.0, other)));
        // Measured: the expansion cancels when a vector lies close to its centre.
        distance_N_.mutable_data_ptr<float>()[n] = squared_distance(
            x + n * width, center_KD.const_data_ptr<float>() + two.index * width, width);
      }
    }
  });
  compared_ += count;
}

}  // namespace tsrec::nn
