// Backward computes again what a product read: the same numbers, to the byte, and less memory.
#include "nn/recomputed.hpp"

#include <c10/util/ThreadLocalDebugInfo.h>

#include "nn/elementwise.hpp"
#include "support/support.hpp"
#include "support/toy_shape.hpp"
#include "support/values_and_gradients.hpp"
#include "tsrec/product.hpp"

namespace tsrec::test {
namespace {

// 1,100 rows: enough multiply-adds that oneDNN is asked where it is chosen.
TEST(Recomputed, ProductsHaveTheBytesOfThoseThatKeepTheirInput) {
  const ProductLibrary before = product_library();
  for (const ProductLibrary library : {ProductLibrary::mkl, ProductLibrary::onednn}) {
    if (library == ProductLibrary::onednn && !has_onednn()) continue;
    use_product_library(library);
    for (const int64_t rows : {7, 1100}) {
      const std::vector<torch::Tensor> normed = {drawn({rows, 48}, 1), drawn({48}, 2),
                                                 drawn({40, 48}, 3), drawn({40}, 4)};
      const auto a = values_and_gradients(normed, [](const auto& x) {
        return linear_product(nn::rms_norm(x[0], x[1], 1e-5), x[2], x[3]);
      });
      const auto b = values_and_gradients(normed, [](const auto& x) {
        return nn::recomputed_product(nn::recomputed_rms_norm(x[0], x[1], 1e-5), x[2], x[3]);
      });
      for (size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i], b[i])) << "norm " << i;
      const std::vector<torch::Tensor> gated = {drawn({rows, 2 * 48}, 5), drawn({40, 48}, 6)};
      const auto c = values_and_gradients(
          gated, [](const auto& x) { return linear_product(nn::swiglu(x[0]), x[1]); });
      const auto d = values_and_gradients(gated, [](const auto& x) {
        return nn::recomputed_product(nn::recomputed_swiglu(x[0]), x[1]);
      });
      for (size_t i = 0; i < c.size(); ++i) EXPECT_TRUE(torch::equal(c[i], d[i])) << "gate " << i;
    }
  }
  use_product_library(before);
}

TEST(Recomputed, AWeightThatStandsStillGetsNoGradientAndTheRestTheSame) {
  const torch::Tensor x = drawn({5, 8}, 1).requires_grad_(), norm = torch::ones({8}),
                      weight = drawn({3, 8}, 2);
  nn::recomputed_product(nn::recomputed_rms_norm(x, norm, 1e-5), weight).sum().backward();
  const torch::Tensor got = x.grad().clone();
  x.mutable_grad() = torch::Tensor();
  torch::matmul(nn::rms_norm(x, norm, 1e-5), weight.t()).sum().backward();
  EXPECT_TRUE(torch::equal(got, x.grad()));
  EXPECT_FALSE(weight.grad().defined());
}

TEST(Recomputed, WhoChangesWhatIsKeptIsNoticed) {
  const torch::Tensor x = drawn({5, 8}, 1).requires_grad_(),
                      weight = drawn({3, 8}, 2).requires_grad_();
  torch::Tensor stream = x * 1;
  const torch::Tensor y =
      nn::recomputed_product(nn::recomputed_rms_norm(stream, torch::ones({8}), 1e-5), weight);
  stream.mul_(2);
  EXPECT_THROW(y.sum().backward(), c10::Error);
}

// Bytes of the tensors that this thread has made since and that are still there.
class HeldBytes final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device) override {
    bytes_ += size;
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_ = 0;
};

nn::LmShape layered_shape(int64_t layers) {
  nn::LmShape shape = toy_shape(/*vocabulary=*/50, /*width=*/24, /*mlp_width=*/40);
  shape.layers = layers;
  shape.heads = 6;
  shape.head_width = 8;  // queries wider than the stream
  return shape;
}

constexpr int64_t kTokens = 30;

int64_t held_behind_a_forward(const nn::LmShape& shape, torch::ScalarType precision,
                              const nn::ForwardOptions& options) {
  nn::CausalLm model(shape, precision, torch::kCPU);
  model.init_random(at::detail::createCPUGenerator(1));
  nn::PackedBatch batch;
  batch.token_T = batch.position_T = torch::arange(kTokens);
  batch.segments = {{0, static_cast<int32_t>(kTokens), -1, 0}};
  const auto held = std::make_shared<HeldBytes>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, held);
  const torch::Tensor hidden_TD = model.hidden(batch, options);
  EXPECT_TRUE(hidden_TD.requires_grad());
  return held->bytes();
}

// Of one layer and token.
int64_t kept_bytes(nn::LmShape shape, torch::ScalarType precision = torch::kFloat32,
                   const nn::ForwardOptions& options = {}) {
  shape.layers = 3;
  const int64_t three = held_behind_a_forward(shape, precision, options);
  shape.layers = 1;
  const int64_t one = held_behind_a_forward(shape, precision, options);
  EXPECT_EQ((three - one) % (2 * kTokens), 0);
  return (three - one) / (2 * kTokens);
}

// The table "What a step keeps" of tests/benchmarks/README.md.
TEST(Recomputed, AForwardKeepsTheBytesThatAreWrittenDown) {
  const nn::LmShape shape = layered_shape(1);
  const int64_t stream = 24, query = 6 * 8, kv = 2 * 8, mlp = 40;
  const int64_t numbers = stream + (query + 2 * kv) + query + stream + 2 * mlp;
  const int64_t row_sums = 1 + 6 + 1;  // of two norms, and of the softmax of six heads
  EXPECT_EQ(kept_bytes(shape), 4 * numbers + 4 * row_sums);
  EXPECT_EQ(kept_bytes(shape, torch::kBFloat16), 2 * numbers + 4 * row_sums);

  nn::LmShape no_bias = shape;
  no_bias.qkv_bias = false;
  EXPECT_EQ(kept_bytes(no_bias), 4 * numbers + 4 * row_sums);

  nn::LmShape normed_heads = no_bias;  // Qwen3: queries and keys before their norms as well
  normed_heads.qk_norm = true;
  EXPECT_EQ(kept_bytes(normed_heads), 4 * (numbers + query + kv) + 4 * (row_sums + 6 + 2));

  nn::ForwardOptions dropping;
  dropping.dropout = 0.2;
  dropping.generator = at::detail::createCPUGenerator(3);
  EXPECT_EQ(kept_bytes(shape, torch::kFloat32, dropping), 4 * numbers + 4 * row_sums);

  nn::ForwardOptions checkpointed;
  checkpointed.checkpoint = true;
  EXPECT_EQ(kept_bytes(shape, torch::kFloat32, checkpointed), 4 * stream);
}

}  // namespace
}  // namespace tsrec::test
