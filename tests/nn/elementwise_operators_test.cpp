// The steps that devices take, against the same formulas written plainly, whose backward is
// LibTorch's.
#include "nn/elementwise_operators.hpp"

#include "support/support.hpp"
#include "support/values_and_gradients.hpp"
#include "tsrec/product.hpp"

namespace tsrec::test {
namespace {

torch::Tensor exactly_drawn(at::IntArrayRef sizes, uint64_t seed) {
  return drawn(sizes, seed, torch::kFloat64);
}

template <class A, class B>
void expect_equal(const std::vector<torch::Tensor>& inputs, const A& a, const B& b) {
  const auto left = values_and_gradients(inputs, a), right = values_and_gradients(inputs, b);
  for (size_t i = 0; i < left.size(); ++i)
    EXPECT_TRUE(torch::allclose(left[i], right[i], 1e-12, 1e-12)) << i;
}

TEST(ElementwiseOperators, RotatePairsOfHalvesByTheirAngles) {
  nn::LmShape shape;
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.head_width = 6;
  const torch::Tensor position_T = torch::randint(0, 50, {30}, at::detail::createCPUGenerator(3));
  const nn::Rotation r = nn::rotation(position_T, shape, torch::kFloat64);
  // (a + ib) e^(i angle) for each pair of halves.
  const auto plainly = [&](const torch::Tensor& x_THd) {
    const auto halves = x_THd.chunk(2, -1);
    const torch::Tensor turned =
        torch::complex(halves[0], halves[1]) * torch::complex(r.cos_Td, r.sin_Td).unsqueeze(1);
    return torch::cat({torch::real(turned), torch::imag(turned)}, -1);
  };
  const torch::Tensor qkv_TD = exactly_drawn({30, 48}, 4);
  for (const int which : {0, 1, 2}) {
    expect_equal(
        {qkv_TD},
        [&](const auto& x) {
          const nn::Qkv qkv = nn::split_and_rotate_by_operators(x[0], r, shape);
          return which == 0 ? qkv.q_THd : which == 1 ? qkv.k_THd : qkv.v_THd;
        },
        [&](const auto& x) {
          const auto part = x[0].split_with_sizes({24, 12, 12}, 1)[static_cast<size_t>(which)];
          const torch::Tensor heads = part.view({30, -1, 6});
          return which == 2 ? heads : plainly(heads);
        });
  }
}

TEST(ElementwiseOperators, SwiGluIsSiluOfTheGateTimesUp) {
  expect_equal(
      {30 * exactly_drawn({20, 7}, 5), exactly_drawn({20, 7}, 6)},
      [](const auto& x) { return nn::swiglu_by_operators(x[0], x[1]); },
      [](const auto& x) { return x[0] / (1 + torch::exp(-x[0])) * x[1]; });
}

TEST(ElementwiseOperators, AnMlpOfHalvesIsTheJoinedOne) {
  const std::vector<torch::Tensor> inputs = {exactly_drawn({11, 5}, 1), exactly_drawn({5}, 2),
                                             exactly_drawn({12, 5}, 3), exactly_drawn({5, 6}, 4)};
  expect_equal(
      inputs,
      [](const auto& x) {
        const auto [gate, up] =
            nn::recomputed_halves(nn::recomputed_rms_norm(x[0], x[1], 1e-5), x[2]);
        return nn::recomputed_product(nn::recomputed_swiglu(gate, up), x[3]);
      },
      [](const auto& x) {
        const torch::Tensor normed =
            x[0] / (x[0].square().mean(1, /*keepdim=*/true) + 1e-5).sqrt() * x[1];
        const auto parts = torch::matmul(normed, x[2].t()).chunk(2, 1);
        return torch::matmul(torch::sigmoid(parts[0]) * parts[0] * parts[1], x[3].t());
      });
}

}  // namespace
}  // namespace tsrec::test
