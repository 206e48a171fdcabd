#include "relative_positions.hpp"

#include <cmath>

#include "tsrec/nn/transfer.hpp"

namespace tsrec::tiger {
namespace {

torch::Tensor bias_at(const torch::Tensor& bias_BH, const torch::Tensor& bucket_QK) {
  return torch::embedding(bias_BH, nn::to_device(bucket_QK, bias_BH.device())).permute({2, 0, 1});
}

}  // namespace

torch::Tensor bucket_of(const torch::Tensor& relative, bool bidirectional, const T5Shape& shape) {
  const int64_t count = bidirectional ? shape.buckets / 2 : shape.buckets, exact = count / 2;
  const torch::Tensor distance = bidirectional ? relative.abs() : (-relative).clamp_min(0);
  const double octaves =
      std::log(static_cast<double>(shape.max_distance) / static_cast<double>(exact));
  const torch::Tensor share =
      torch::log(distance.clamp_min(1).to(torch::kFloat32) / exact) / octaves;
  const torch::Tensor far =
      (exact + (share * (count - exact)).to(torch::kInt64)).clamp_max(count - 1);
  const torch::Tensor bucket = torch::where(distance < exact, distance, far);
  return bidirectional ? bucket + (relative > 0).to(torch::kInt64) * count : bucket;
}

torch::Tensor encoder_bias(const torch::Tensor& bias_BH, int64_t length, const T5Shape& shape) {
  const torch::Tensor at_L = torch::arange(length);
  return bias_at(bias_BH,
                 bucket_of(at_L.unsqueeze(0) - at_L.unsqueeze(1), /*bidirectional=*/true, shape));
}

torch::Tensor decoder_bias(const torch::Tensor& bias_BH, int64_t visible, const T5Shape& shape) {
  const torch::Tensor relative_1K = torch::arange(1 - visible, 1).unsqueeze(0);
  return bias_at(bias_BH, bucket_of(relative_1K, /*bidirectional=*/false, shape));
}

}  // namespace tsrec::tiger
