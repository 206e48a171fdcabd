#include "nn/even_batch.hpp"

#include "simd.hpp"
#include "tsrec/product.hpp"

namespace tsrec::nn {
namespace {

constexpr int64_t kMultiple = 32, kLeastTokens = 128;

bool multiplies_by_onednn(torch::ScalarType precision) {
  return precision == torch::kBFloat16 ? has_avx512() : product_library() == ProductLibrary::onednn;
}

}  // namespace

PackedBatch even_batch(const PackedBatch& batch, torch::ScalarType precision) {
  const int64_t tokens = batch.num_tokens(), missing = (kMultiple - tokens % kMultiple) % kMultiple;
  if (missing == 0 || tokens < kLeastTokens || !batch.token_T.is_cpu() ||
      !multiplies_by_onednn(precision))
    return batch;
  PackedBatch even = batch;
  even.token_T = torch::cat({batch.token_T, batch.token_T.slice(0, 0, missing)});
  even.position_T = torch::cat({batch.position_T, torch::arange(missing)});
  even.segments.push_back({static_cast<int32_t>(tokens), static_cast<int32_t>(missing)});
  return even;
}

}  // namespace tsrec::nn
