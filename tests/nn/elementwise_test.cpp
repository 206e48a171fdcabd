// The one-pass kernels against the same formulas in LibTorch operators, in double precision. In
// bfloat16 they read and round the numbers of that type, and compute as in float32.
#include "nn/elementwise.hpp"

#include "support/support.hpp"

namespace tsrec::test {
namespace {

using Function = std::function<torch::Tensor(const std::vector<torch::Tensor>&)>;

torch::Tensor random(at::IntArrayRef sizes, uint64_t seed) {
  return torch::randn(sizes, at::detail::createCPUGenerator(seed));
}

// Value and all gradients of a fresh random weighting of the outputs, against float64 on the same
// numbers.
void expect_same_in(torch::ScalarType type, const Function& function,
                    const std::vector<torch::Tensor>& inputs, double tolerance) {
  std::vector<torch::Tensor> results[2];
  for (const bool is_exact : {false, true}) {
    std::vector<torch::Tensor> leaves;
    for (const torch::Tensor& input : inputs) {
      const torch::Tensor stored = input.to(type);
      leaves.push_back((is_exact ? stored.to(torch::kFloat64) : stored.clone()).requires_grad_());
    }
    const torch::Tensor value = function(leaves);
    const torch::Tensor weight = random(value.sizes(), 99).to(type).to(value.scalar_type());
    (value * weight).sum().backward();
    auto& all = results[is_exact ? 1 : 0];
    all.push_back(value.detach());
    for (const torch::Tensor& leaf : leaves) all.push_back(leaf.grad());
  }
  for (size_t i = 0; i < results[0].size(); ++i) {
    const torch::Tensor exact = results[1][i];
    EXPECT_EQ(results[0][i].scalar_type(), type);
    const double error = (results[0][i].to(torch::kFloat64) - exact).norm().item<double>() /
                         (exact.norm().item<double>() + 1e-30);
    EXPECT_LE(error, tolerance) << type << (i == 0 ? " value" : " gradient ") << i;
  }
}

// bfloat16: one rounding of the result, by 2^-9 at most.
void expect_same(const Function& function, const std::vector<torch::Tensor>& inputs) {
  expect_same_in(torch::kFloat32, function, inputs, 2e-6);
  expect_same_in(torch::kBFloat16, function, inputs, 0x1p-9);
}

// 23: no multiple of the lanes; 70 rows: more than one thread's share.
TEST(Elementwise, RmsNorm) {
  for (const int64_t width : {4, 23, 128}) {
    expect_same([](const auto& x) { return nn::rms_norm(x[0], x[1], 1e-6); },
                {random({70, width}, 1), random({width}, 2)});
  }
}

TEST(Elementwise, RotatedQueriesKeysAndPlainValues) {
  nn::LmShape shape;
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.head_width = 6;
  shape.rope_theta = 100;
  const torch::Tensor position_T = torch::randint(0, 50, {70}, at::detail::createCPUGenerator(3));
  const auto part = [&](int which) {
    return [&, which](const std::vector<torch::Tensor>& x) {
      const nn::Rotation r = nn::rotation(position_T, shape, x[0].scalar_type());
      const nn::Qkv qkv = nn::split_and_rotate(x[0], r, shape);
      return which == 0 ? qkv.q_THd : which == 1 ? qkv.k_THd : qkv.v_THd;
    };
  };
  const torch::Tensor qkv_TD = random({70, (4 + 2 + 2) * 6}, 4);
  for (const int which : {0, 1, 2}) expect_same(part(which), {qkv_TD});
  expect_same(
      [&](const std::vector<torch::Tensor>& x) {
        return torch::cat({part(0)(x).flatten(), part(1)(x).flatten(), part(2)(x).flatten()});
      },
      {qkv_TD});
}

TEST(Elementwise, SwiGluOverTheWholeRange) {
  const torch::Tensor wide = torch::cat({random({70, 20}, 5) * 30, random({70, 20}, 6)}, 1);
  expect_same([](const auto& x) { return nn::swiglu(x[0]); }, {wide});
  const torch::Tensor huge = torch::full({1, 2}, 1e4);
  EXPECT_FLOAT_EQ(nn::swiglu(huge).item<float>(), 1e8f);
  EXPECT_NEAR(nn::swiglu(torch::tensor({{-1e4f, 1.0f}})).item<float>(), 0, 1e-30);
}

}  // namespace
}  // namespace tsrec::test
