// Attention of a device over sequences that lie behind each other.
#include "cuda_support.hpp"
#include "nn/varlen_attention.hpp"

namespace tsrec::test {
namespace {

class CudaAttention : public Cuda {};

// Both kernels align the last query with the last key.
TEST_F(CudaAttention, IsTheFormula) {
  const int64_t heads = 4, kv_heads = 2, width = 8;
  const std::vector<int32_t> begin_q = {0, 2, 5}, begin_k = {0, 6, 9};
  const torch::Tensor q = torch::randn({5, heads, width}), k = torch::randn({9, kv_heads, width}),
                      v = torch::randn({9, kv_heads, width});
  torch::Tensor wanted = torch::zeros({5, heads, width});
  for (size_t s = 0; s + 1 < begin_q.size(); ++s) {
    const int32_t end_q = begin_q[s + 1], end_k = begin_k[s + 1];
    for (int32_t t = begin_q[s]; t < end_q; ++t) {
      const torch::Tensor seen_k = k.slice(0, begin_k[s], end_k - (end_q - 1 - t));
      const torch::Tensor seen_v = v.slice(0, begin_k[s], end_k - (end_q - 1 - t));
      for (int64_t h = 0; h < heads; ++h) {
        const torch::Tensor score =
            seen_k.select(1, h / 2).matmul(q[t][h]) / std::sqrt(static_cast<double>(width));
        wanted[t][h].copy_(seen_v.select(1, h / 2).t().matmul(score.softmax(0)));
      }
    }
  }
  for (const torch::ScalarType type : {torch::kFloat32, torch::kBFloat16}) {
    const auto there = [&](const torch::Tensor& x) { return x.to(type).to(kDevice); };
    const nn::Sequences sequences{torch::tensor(begin_q, torch::kInt32).to(kDevice),
                                  torch::tensor(begin_k, torch::kInt32).to(kDevice), 3, 6};
    const torch::Tensor out = nn::varlen_attention(there(q), there(k), there(v), sequences);
    EXPECT_LT(relative_difference(out, wanted), type == torch::kFloat32 ? 1e-5 : 1e-2);
  }
}

}  // namespace
}  // namespace tsrec::test
