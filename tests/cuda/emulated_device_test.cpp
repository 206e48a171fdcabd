// The emulated device refuses what a real one refuses; else the tests here would show nothing.
#include "cuda_support.hpp"
#include "nn/varlen_attention.hpp"
#include "tsrec/nn/transfer.hpp"

namespace tsrec::test {
namespace {

class EmulatedCuda : public Cuda {
 protected:
  void SetUp() override {
    if (host::has_driver()) GTEST_SKIP() << "a real device is here";
    x_ = torch::randn({3, 4});
    y_ = nn::to_device(x_, kDevice);
  }
  torch::Tensor x_, y_;
};

TEST_F(EmulatedCuda, MemoryCannotBeReadByTheProgram) {
  EXPECT_DEATH(std::cerr << *y_.const_data_ptr<float>(), "");
}

TEST_F(EmulatedCuda, DevicesDoNotMix) {
  EXPECT_THROW(x_ + y_, c10::Error);
  EXPECT_THROW(torch::cat({x_, y_}), c10::Error);
  EXPECT_THROW(y_.index_select(0, torch::tensor({0})), c10::Error);
  EXPECT_NO_THROW(y_ + 1);
}

TEST_F(EmulatedCuda, ComputesInPlaceAndThroughViews) {
  torch::Tensor z = y_.clone();
  z.slice(1, 1, 3).t().mul_(2);
  z[0].zero_();
  torch::Tensor wanted = x_.clone();
  wanted.slice(1, 1, 3).mul_(2);
  wanted[0].zero_();
  EXPECT_TRUE(torch::equal(z.cpu(), wanted));
}

TEST_F(EmulatedCuda, CountsWaits) {
  const auto waits_of = [](const auto& action) {
    const int64_t before = emulated_cuda::num_waits();
    action();
    return emulated_cuda::num_waits() - before;
  };
  EXPECT_EQ(waits_of([&] { nn::to_device(x_, kDevice); }), 0);
  EXPECT_EQ(waits_of([&] { x_.to(kDevice); }), 1);
  EXPECT_EQ(waits_of([&] { y_.sum().item<float>(); }), 1);
  EXPECT_EQ(waits_of([&] { y_.cpu(); }), 1);
  EXPECT_EQ(waits_of([&] { (y_ * 2).matmul(y_.t()); }), 0);
}

// Both kernels align the last query with the last key.
TEST_F(EmulatedCuda, AttentionIsTheFormula) {
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
    EXPECT_LT(relative_difference(out, wanted), type == torch::kFloat32 ? 1e-6 : 1e-2);
  }
}

}  // namespace
}  // namespace tsrec::test
