// Small helpers of losses and initializers, against loops in double precision.
#include <random>

#include "support/support.hpp"
#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/nn/row_moments.hpp"

namespace tsrec::test {
namespace {

TEST(RowLogProbs, AreSumsAndMeansOverTheLabelsOfARow) {
  at::Generator generator = at::detail::createCPUGenerator(std::random_device{}());
  constexpr int64_t kLabels = 200, kRows = 17;  // row 16 has no label
  const torch::Tensor log_prob_R = -torch::rand({kLabels}, generator).mul(9).requires_grad_(false);
  const torch::Tensor row_R =
      torch::randint(0, kRows - 1, {kLabels}, generator, torch::TensorOptions(torch::kInt64));
  const torch::Tensor weight_N = torch::rand({kRows}, generator);
  std::vector<double> sum_N(kRows, 0), count_N(kRows, 0);
  for (int64_t r = 0; r < kLabels; ++r) {
    const auto row = static_cast<size_t>(row_R[r].item<int64_t>());
    sum_N[row] += log_prob_R[r].item<double>();
    count_N[row] += 1;
  }
  const auto expect = [&](bool is_mean) {
    const torch::Tensor leaf_R = log_prob_R.clone().requires_grad_();
    const torch::Tensor value_N = is_mean ? nn::row_log_prob_means(leaf_R, row_R, kRows)
                                          : nn::row_log_prob_sums(leaf_R, row_R, kRows);
    ASSERT_EQ(value_N.sizes(), (std::vector<int64_t>{kRows}));
    EXPECT_EQ(value_N.scalar_type(), torch::kFloat32);
    for (size_t n = 0; n < kRows; ++n) {
      const double share = is_mean ? 1 / std::max(1.0, count_N[n]) : 1;
      EXPECT_NEAR(value_N[static_cast<int64_t>(n)].item<double>(), sum_N[n] * share, 1e-4);
    }
    (value_N * weight_N).sum().backward();
    for (int64_t r = 0; r < kLabels; ++r) {
      const int64_t row = row_R[r].item<int64_t>();
      const double share = is_mean ? 1 / count_N[static_cast<size_t>(row)] : 1;
      EXPECT_NEAR(leaf_R.grad()[r].item<double>(), weight_N[row].item<double>() * share, 1e-6);
    }
  };
  expect(/*is_mean=*/false);
  expect(/*is_mean=*/true);
  const torch::Tensor none = torch::empty({0}), no_rows = torch::empty({0}, torch::kInt64);
  EXPECT_TRUE(torch::equal(nn::row_log_prob_means(none, no_rows, 2), torch::zeros({2})));
}

TEST(MeanRow, CountsAnIdAsOftenAsItStandsThere) {
  at::Generator generator = at::detail::createCPUGenerator(std::random_device{}());
  const torch::Tensor drawn_VD = torch::randn({40, 7}, generator);
  for (const torch::ScalarType type : {torch::kFloat32, torch::kBFloat16}) {
    const torch::Tensor row_VD = drawn_VD.to(type).requires_grad_();
    const std::vector<int32_t> ids = {3, 39, 3, 0, 3, 17};
    const torch::Tensor mean_D = nn::mean_row(row_VD, ids);
    ASSERT_EQ(mean_D.scalar_type(), torch::kFloat64);
    EXPECT_FALSE(mean_D.requires_grad());
    for (int64_t d = 0; d < 7; ++d) {
      double sum = 0;
      for (const int32_t id : ids) sum += row_VD[id][d].item<double>();
      EXPECT_NEAR(mean_D[d].item<double>(), sum / 6, 1e-12);
    }
    EXPECT_THROW(nn::mean_row(row_VD, {}), Error);
    EXPECT_ANY_THROW(nn::mean_row(row_VD, std::vector<int32_t>{40}));
  }
}

}  // namespace
}  // namespace tsrec::test
