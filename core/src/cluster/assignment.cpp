#include "cluster/assignment.hpp"

#include <ATen/Parallel.h>

#include "cluster/kmeans_kernel.hpp"
#include "tsrec/cluster/kmeans.hpp"
#include "tsrec/product.hpp"

namespace tsrec::cluster {
namespace {

// Vectors that one thread works on at once: their products with the centres stay in its cache.
constexpr int64_t kTileRows = 512;

// Above this share of open pairs, one matrix product of everything is cheaper than single pairs.
constexpr double kDense = 0.2;

// Rounding of |x|^2 - 2 x c + |c|^2 in float32 relative to |x|^2 + |c|^2, and of |x - c|^2 relative
// to itself.
constexpr double kRounding = 1e-5;

constexpr float kFar = std::numeric_limits<float>::infinity();

// A distance that the one of this square does not exceed.
float reach(float square) {
  return static_cast<float>(std::sqrt(static_cast<double>(square)) * (1 + kRounding));
}

int64_t tiles_of(int64_t count) { return (count + kTileRows - 1) / kTileRows; }

}  // namespace

torch::Tensor squared_norms(const torch::Tensor& x_ND) {
  const int64_t count = x_ND.size(0), width = x_ND.size(1);
  const float* x = x_ND.const_data_ptr<float>();
  torch::Tensor square_N = torch::empty({count});
  float* square = square_N.mutable_data_ptr<float>();
  at::parallel_for(0, count, /*grain_size=*/64, [&](int64_t first, int64_t last) {
    for (int64_t n = first; n < last; ++n) square[n] = squared_norm(x + n * width, width);
  });
  return square_N;
}

struct Assignment::Tile {
  int64_t begin, end;  // rows
  // Memory for their products with the centres, for bounds of one row, for their open blocks.
  torch::Tensor product_RK;
  std::vector<float> bound_K;
  std::vector<int32_t> open;
  std::vector<int64_t> first_open_R;  // of each row, in `open`
};

Assignment::Assignment(torch::Tensor x_ND, torch::Tensor square_N, int64_t bound_bytes)
    : x_ND_(std::move(x_ND)),
      bound_bytes_(bound_bytes),
      square_N_(std::move(square_N)),
      width_(x_ND_.size(1)),
      x_(x_ND_.const_data_ptr<float>()) {
  const int64_t count = x_ND_.size(0);
  label_N_ = torch::zeros({count}, torch::kInt64);
  distance_N_ = torch::zeros({count});
  label_ = label_N_.mutable_data_ptr<int64_t>();
  distance_ = distance_N_.mutable_data_ptr<float>();
  is_stale_N_.resize(static_cast<size_t>(count));
}

void Assignment::update(const torch::Tensor& center_in) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor center_KD = center_in.contiguous();
  const bool is_first = !center_KD_.defined();
  if (is_first) {
    begin(center_KD);
  } else {
    follow(center_KD);
  }
  center_KD_ = center_KD.clone();
  center_ = center_KD_.const_data_ptr<float>();
  half_norm_K_ = squared_norms(center_KD_) / 2;
  largest_square_ = 2 * half_norm_K_.max().item<float>();
  if (!is_first) measure_gaps();
  const int64_t count = x_ND_.size(0);
  at::parallel_for(0, tiles_of(count), /*grain_size=*/1, [&](int64_t first, int64_t last) {
    const torch::NoGradGuard no_grad_here;  // the mode belongs to the thread
    Tile tile;
    tile.product_RK = torch::empty({kTileRows, center_KD.size(0)});
    tile.bound_K.resize(static_cast<size_t>(center_KD.size(0)));
    tile.first_open_R.resize(kTileRows + 1);
    for (int64_t t = first; t < last; ++t) {
      tile.begin = t * kTileRows;
      tile.end = std::min(tile.begin + kTileRows, count);
      if (!is_first) measure_own(tile);
      if (!is_first && list_pairs(tile)) {
        compare_pairs(tile);
      } else {
        compare_all(tile);
      }
    }
  });
}

// Nothing is known about the vector's old centre any more, which is now one of the others.
void Assignment::move(int64_t row, int64_t label) {
  int64_t& own = label_[row];
  lower(row)[own % blocks_] = 0;
  own = label;
  is_stale_N_[static_cast<size_t>(row)] = 1;
}

void Assignment::begin(const torch::Tensor& center_KD) {
  const int64_t count = x_ND_.size(0), clusters = center_KD.size(0);
  const int64_t bounds = bound_bytes_ / (count * static_cast<int64_t>(sizeof(float)));
  blocks_ = std::clamp<int64_t>(bounds, 1, clusters);
  lower_NB_ = torch::empty({count, blocks_});
  lower_ = lower_NB_.mutable_data_ptr<float>();
  way_B_.assign(static_cast<size_t>(blocks_), 0.0);
  travelled_B_ = torch::zeros({blocks_});
  travelled_ = travelled_B_.const_data_ptr<float>();
}

void Assignment::follow(const torch::Tensor& center_KD) {
  const int64_t clusters = center_KD.size(0);
  const float* after = center_KD.const_data_ptr<float>();
  std::vector<float> way_K(static_cast<size_t>(clusters));
  has_moved_K_.assign(way_K.size(), 0);
  at::parallel_for(0, clusters, /*grain_size=*/16, [&](int64_t first, int64_t last) {
    for (int64_t k = first; k < last; ++k) {
      const float* to = after + k * width_;
      if (std::equal(to, to + width_, center(k))) continue;
      has_moved_K_[static_cast<size_t>(k)] = 1;
      way_K[static_cast<size_t>(k)] = reach(squared_distance(to, center(k), width_));
    }
  });
  std::vector<float> farthest_B(way_B_.size(), 0.0F);
  for (int64_t k = 0; k < clusters; ++k) {
    float& farthest = farthest_B[static_cast<size_t>(k % blocks_)];
    farthest = std::max(farthest, way_K[static_cast<size_t>(k)]);
  }
  for (size_t b = 0; b < way_B_.size(); ++b) {
    way_B_[b] += static_cast<double>(farthest_B[b]);
    travelled_B_.mutable_data_ptr<float>()[b] = std::nextafter(static_cast<float>(way_B_[b]), kFar);
  }
}

void Assignment::measure_gaps() {
  const int64_t clusters = center_KD_.size(0);
  const torch::Tensor product_KK = linear_product(center_KD_, center_KD_);
  const float* half_norm = half_norm_K_.const_data_ptr<float>();
  const torch::Tensor nothing_B = torch::zeros({blocks_});
  gap_KB_ = torch::empty({clusters, blocks_});
  gap_ = gap_KB_.const_data_ptr<float>();
  std::vector<float> bound_K(static_cast<size_t>(clusters));
  for (int64_t k = 0; k < clusters; ++k) {
    const float square = 2 * half_norm[k];
    const auto slack = static_cast<float>(kRounding * (square + largest_square_));
    distances_of(product_KK.const_data_ptr<float>() + k * clusters, half_norm, square - slack,
                 clusters, bound_K.data());
    bound_K[static_cast<size_t>(k)] = kFar;
    fold_bounds(bound_K.data(), clusters, nothing_B.const_data_ptr<float>(), blocks_,
                gap_KB_.mutable_data_ptr<float>() + k * blocks_);
  }
  gap_KB_.mul_(0.5);
}

void Assignment::measure_own(const Tile& tile) {
  for (int64_t n = tile.begin; n < tile.end; ++n) {
    uint8_t& is_stale = is_stale_N_[static_cast<size_t>(n)];
    if (has_moved_K_[static_cast<size_t>(label_[n])] == 0 && is_stale == 0) continue;
    distance_[n] = squared_distance(vector(n), center(label_[n]), width_);
    is_stale = 0;
  }
}

// The blocks of every row that its bounds leave open; false where they are too many.
bool Assignment::list_pairs(Tile& tile) const {
  const auto most =
      static_cast<int64_t>(kDense * static_cast<double>((tile.end - tile.begin) * blocks_));
  tile.open.resize(static_cast<size_t>(most + 2 * blocks_ + 8));
  int64_t count = 0;
  for (int64_t n = tile.begin; n < tile.end && count <= most; ++n) {
    tile.first_open_R[static_cast<size_t>(n - tile.begin)] = count;
    count += list_open(lower(n), travelled_, gap(label_[n]), reach(distance_[n]), blocks_,
                       tile.open.data() + count);
  }
  tile.first_open_R[static_cast<size_t>(tile.end - tile.begin)] = count;
  return count <= most;
}

void Assignment::compare_all(Tile& tile) {
  const int64_t clusters = center_KD_.size(0), rows = tile.end - tile.begin;
  const float* half_norm = half_norm_K_.const_data_ptr<float>();
  const torch::Tensor product_RK = linear_product_in(
      tile.product_RK.slice(0, 0, rows), x_ND_.slice(0, tile.begin, tile.end), center_KD_);
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t n = tile.begin + r;
    const float* product = product_RK.const_data_ptr<float>() + r * clusters;
    const int64_t own = nearest_of(product, half_norm, clusters);
    label_[n] = own;
    // Measured: the expansion cancels when a vector lies close to its centre.
    distance_[n] = squared_distance(vector(n), center(own), width_);
    const float square = square_N_.const_data_ptr<float>()[n];
    const auto slack = static_cast<float>(kRounding * (square + largest_square_));
    distances_of(product, half_norm, square - slack, clusters, tile.bound_K.data());
    tile.bound_K[static_cast<size_t>(own)] = kFar;
    fold_bounds(tile.bound_K.data(), clusters, travelled_, blocks_, lower(n));
  }
  compared_ += rows * clusters;
}

void Assignment::compare_pairs(const Tile& tile) {
  int64_t compared = 0;
  for (int64_t n = tile.begin; n < tile.end; ++n) {
    const int64_t* first = tile.first_open_R.data() + (n - tile.begin);
    compared += compare(n, tile.open.data() + first[0], first[1] - first[0]);
  }
  compared_ += compared;
}

// Compares the row with the centres of these blocks, as long as they stay open. Returns with how
// many.
int64_t Assignment::compare(int64_t row, const int32_t* block, int64_t count) {
  const int64_t clusters = center_KD_.size(0);
  float* const bound = lower(row);
  int64_t own = label_[row], compared = 0;
  float nearest = distance_[row], within = reach(nearest);
  const auto is_not_own = [&](int64_t b, float square) {
    const float apart = std::sqrt(square) * static_cast<float>(1 - kRounding);
    bound[b] = std::min(bound[b], (apart + travelled_[b]) * kDown);
  };
  std::array<const float*, 4> waiting = {};
  std::array<int64_t, 4> number = {}, of = {};  // the centre's, its block's
  size_t some = 0;
  const auto compare_waiting = [&] {
    std::fill(waiting.begin() + static_cast<int64_t>(some), waiting.end(), waiting[0]);
    std::array<float, 4> square = {};
    squared_distances(vector(row), waiting.data(), width_, square.data());
    for (size_t i = 0; i < some; ++i) {
      if (square[i] < nearest || (square[i] == nearest && number[i] < own)) {
        std::swap(own, number[i]);
        std::swap(nearest, square[i]);
        within = reach(nearest);
        of[i] = number[i] % blocks_;
      }
      is_not_own(of[i], square[i]);
    }
    compared += static_cast<int64_t>(some);
    some = 0;
  };
  for (int64_t i = 0; i < count; ++i) {
    if (!is_open(bound, travelled_, gap(own), within, block[i])) continue;
    bound[block[i]] = kFar;
    for (int64_t k = block[i]; k < clusters; k += blocks_) {
      if (k == own) continue;
      waiting[some] = center(k);
      of[some] = block[i];
      number[some++] = k;
      if (some == waiting.size()) compare_waiting();
    }
  }
  if (some > 0) compare_waiting();
  label_[row] = own;
  distance_[row] = nearest;
  return compared;
}

std::pair<torch::Tensor, torch::Tensor> nearest(const torch::Tensor& x_in,
                                                const torch::Tensor& center_in) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor x_ND = x_in.contiguous(), center_KD = center_in.contiguous();
  const int64_t count = x_ND.size(0), width = x_ND.size(1), clusters = center_KD.size(0);
  const torch::Tensor half_norm_K = squared_norms(center_KD) / 2;
  torch::Tensor label_N = torch::empty({count}, torch::kInt64), distance_N = torch::empty({count});
  at::parallel_for(0, tiles_of(count), /*grain_size=*/1, [&](int64_t first, int64_t last) {
    const torch::NoGradGuard no_grad_here;
    torch::Tensor memory_RK = torch::empty({kTileRows, clusters});
    for (int64_t begin = first * kTileRows; begin < std::min(last * kTileRows, count);
         begin += kTileRows) {
      const int64_t end = std::min(begin + kTileRows, count);
      const torch::Tensor product_RK = linear_product_in(memory_RK.slice(0, 0, end - begin),
                                                         x_ND.slice(0, begin, end), center_KD);
      for (int64_t n = begin; n < end; ++n) {
        const int64_t own = nearest_of(product_RK.const_data_ptr<float>() + (n - begin) * clusters,
                                       half_norm_K.const_data_ptr<float>(), clusters);
        label_N.mutable_data_ptr<int64_t>()[n] = own;
        distance_N.mutable_data_ptr<float>()[n] =
            squared_distance(x_ND.const_data_ptr<float>() + n * width,
                             center_KD.const_data_ptr<float>() + own * width, width);
      }
    }
  });
  return {label_N, distance_N};
}

}  // namespace tsrec::cluster
