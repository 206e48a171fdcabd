// t-SNE against its formulas, pair by pair.
#include "report/tsne.hpp"

#include <ATen/Parallel.h>

#include "random_sids.hpp"

namespace tsrec::test {
namespace {

torch::Tensor random_points(int64_t count, int64_t width) {
  return RandomNumbers().normal({count, width}).to(torch::kFloat64);
}

// Eq. 1 by a search for sigma of every point.
torch::Tensor affinities_by_hand(const torch::Tensor& x_ND, double perplexity) {
  const int64_t count = x_ND.size(0);
  torch::Tensor p_NN = torch::zeros({count, count}, torch::kFloat64);
  for (int64_t i = 0; i < count; ++i) {
    const torch::Tensor distance_N = (x_ND - x_ND[i]).square().sum(1);
    const torch::Tensor nearest = std::get<0>(distance_N.sort())[1];  // behind itself
    double low = 1e-6, high = 1e6, entropy = 0;
    torch::Tensor p_N;
    for (int step = 0; step < 200; ++step) {
      const double sigma = std::sqrt(low * high);
      p_N = torch::exp(-(distance_N - nearest) / (2 * sigma * sigma));
      p_N[i] = 0;
      p_N = p_N / p_N.sum();
      entropy = 0;
      for (int64_t j = 0; j < count; ++j) {
        const double p = p_N[j].item<double>();
        if (p > 0) entropy -= p * std::log2(p);
      }
      (std::exp2(entropy) > perplexity ? high : low) = sigma;
    }
    EXPECT_NEAR(std::exp2(entropy), perplexity, 1e-6);
    p_NN[i] = p_N;
  }
  return (p_NN + p_NN.t()) / (2.0 * static_cast<double>(count));
}

double divergence_by_hand(const torch::Tensor& p_NN, const torch::Tensor& y_N2) {
  const auto p = p_NN.accessor<double, 2>(), y = y_N2.accessor<double, 2>();
  const int64_t count = y_N2.size(0);
  const auto weight = [&](int64_t i, int64_t j) {
    return 1 / (1 + std::pow(y[i][0] - y[j][0], 2) + std::pow(y[i][1] - y[j][1], 2));
  };
  double all = 0, divergence = 0;
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < count; ++j) all += i == j ? 0 : weight(i, j);
  }
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t j = 0; j < count; ++j) {
      if (i != j && p[i][j] > 0) divergence += p[i][j] * std::log(p[i][j] / (weight(i, j) / all));
    }
  }
  return divergence;
}

TEST(Tsne, EveryPointHasThePerplexityThatIsAsked) {
  const torch::Tensor x_ND = random_points(30, 5) * 7 + 3;
  for (const double perplexity : {2.0, 5.0, 9.0}) {
    const torch::Tensor p_NN = host::tsne_affinities(x_ND, perplexity);
    EXPECT_TRUE(torch::allclose(p_NN, affinities_by_hand(x_ND, perplexity), 1e-6, 1e-12));
    EXPECT_NEAR(p_NN.sum().item<double>(), 1, 1e-12);
    EXPECT_EQ(p_NN.diagonal().abs().max().item<double>(), 0);
  }
}

TEST(Tsne, EqualPointsAreNeighboursOfEachOther) {
  torch::Tensor x_ND = random_points(20, 4);
  x_ND.slice(0, 0, 10).copy_(x_ND[0].clone().expand({10, 4}));
  const torch::Tensor p_NN = host::tsne_affinities(x_ND, 3);  // fewer than the equal ones
  ASSERT_TRUE(p_NN.isfinite().all().item<bool>());
  EXPECT_NEAR(p_NN.sum().item<double>(), 1, 1e-12);
  EXPECT_GT(p_NN[0][1].item<double>(), p_NN[0][15].item<double>());
  EXPECT_TRUE(host::tsne(x_ND).isfinite().all().item<bool>());
}

TEST(Tsne, TheGradientIsThatOfTheDivergence) {
  const torch::Tensor x_ND = random_points(16, 3), y_N2 = random_points(16, 2);
  const torch::Tensor p_NN = host::tsne_affinities(x_ND, 4);
  EXPECT_NEAR(host::tsne_divergence(p_NN, y_N2), divergence_by_hand(p_NN, y_N2), 1e-10);
  const torch::Tensor gradient_N2 = host::tsne_gradient(p_NN, y_N2);
  constexpr double kStep = 1e-5;
  for (int64_t i = 0; i < 16; ++i) {
    for (int64_t axis = 0; axis < 2; ++axis) {
      torch::Tensor up_N2 = y_N2.clone(), down_N2 = y_N2.clone();
      up_N2[i][axis] += kStep;
      down_N2[i][axis] -= kStep;
      const double slope =
          (divergence_by_hand(p_NN, up_N2) - divergence_by_hand(p_NN, down_N2)) / (2 * kStep);
      EXPECT_NEAR(gradient_N2[i][axis].item<double>(), slope, 1e-7);
    }
  }
  // Exaggeration pulls harder, and pushes as before.
  const torch::Tensor more_N2 = host::tsne_gradient(p_NN, y_N2, 12) - gradient_N2;
  for (int64_t i = 0; i < 16; ++i) {
    const torch::Tensor away_N2 = y_N2[i] - y_N2;
    const torch::Tensor pull_N = p_NN[i] / (1 + away_N2.square().sum(1));
    const torch::Tensor wanted_2 = 11 * 4 * (pull_N.unsqueeze(1) * away_N2).sum(0);
    EXPECT_TRUE(torch::allclose(more_N2[i], wanted_2, 1e-9, 1e-12));
  }
}

TEST(Tsne, TheGradientDoesNotDependOnThreads) {
  const torch::Tensor x_ND = random_points(100, 3), y_N2 = random_points(100, 2);
  const torch::Tensor p_NN = host::tsne_affinities(x_ND, 10);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const torch::Tensor alone_N2 = host::tsne_gradient(p_NN, y_N2);
  at::set_num_threads(threads > 1 ? threads : 2);
  EXPECT_TRUE(torch::equal(alone_N2, host::tsne_gradient(p_NN, y_N2)));
  at::set_num_threads(threads);
}

TEST(Tsne, ClustersOfAMixtureStandApart) {
  constexpr int64_t kClusters = 4, kEach = 40, kWidth = 10;
  const torch::Tensor cluster_N = torch::arange(kClusters).repeat_interleave(kEach);
  const torch::Tensor centre_KD = 8 * torch::eye(kClusters, kWidth, torch::kFloat64);
  const torch::Tensor x_ND =
      centre_KD.index_select(0, cluster_N) + random_points(kClusters * kEach, kWidth);
  const torch::Tensor y_N2 = host::tsne(x_ND);
  ASSERT_EQ(y_N2.sizes(), (std::vector<int64_t>{kClusters * kEach, 2}));
  EXPECT_TRUE(torch::equal(y_N2, host::tsne(x_ND)));  // nothing is drawn at random

  const torch::Tensor distance_NN = torch::cdist(y_N2, y_N2);
  const torch::Tensor is_same_NN = cluster_N.unsqueeze(1) == cluster_N;
  const torch::Tensor is_near_NN =
      torch::zeros_like(is_same_NN)
          .scatter(1, std::get<1>(distance_NN.topk(11, 1, /*largest=*/false)), true);
  EXPECT_GT((is_near_NN & is_same_NN).sum().item<double>() / is_near_NN.sum().item<double>(), 0.99);
  EXPECT_LT(distance_NN.masked_select(is_same_NN).mean().item<double>(),
            distance_NN.masked_select(is_same_NN.logical_not()).mean().item<double>() / 2);

  // It ends lower than it began, and lower than the principal axes at any size.
  const torch::Tensor p_NN =
      host::tsne_affinities(x_ND, host::tsne_perplexity(kClusters * kEach, 30));
  const double reached = host::tsne_divergence(p_NN, y_N2);
  const torch::Tensor centred_ND = x_ND - x_ND.mean(0);
  const torch::Tensor axes_N2 = torch::matmul(
      centred_ND, std::get<2>(torch::linalg_svd(centred_ND, false)).slice(0, 0, 2).t());
  for (const double size : {1e-4, 0.1, 1.0, 10.0})
    EXPECT_LT(reached, 0.8 * host::tsne_divergence(p_NN, size * axes_N2)) << size;
}

TEST(Tsne, FewPointsHaveFewNeighboursOrNone) {
  EXPECT_EQ(host::tsne_perplexity(1000, 30), 30);
  EXPECT_EQ(host::tsne_perplexity(31, 30), 10);
  EXPECT_TRUE(host::tsne(random_points(host::kFewestTsnePoints, 3)).isfinite().all().item<bool>());
  EXPECT_TRUE(contains(
      message_of<DataError>([] { host::tsne(random_points(host::kFewestTsnePoints - 1, 3)); }),
      "at least 12 points, not 11"));
}

}  // namespace
}  // namespace tsrec::test
