// Caser's filters without images of windows, against images in double precision.
#include "../../../plugins/recommender/sequential/convolution.hpp"

#include <ATen/Parallel.h>

#include "support/support.hpp"

namespace tsrec::test {
namespace {

using sequential::Batch;
using sequential::Windows;

struct FilterCase {
  int64_t window, width, horizontal, vertical;
  std::vector<int64_t> heights;
  bool newest_at_end;
};

// Sequences of up to nine tokens, one of them without any, of which some have a label.
Batch random_batch(int64_t sequences, int64_t num_items, at::Generator& generator) {
  const auto below = [&](int64_t count) {
    return torch::randint(0, count, {1}, generator, torch::kInt64).item<int64_t>();
  };
  sequential::Sequences all;
  for (int64_t b = 0; b < sequences; ++b) {
    for (int64_t n = b == 1 ? 0 : 1 + below(9); n > 0; --n) {
      all.item.push_back(below(num_items));
      all.label.push_back(n == 1 || below(2) == 0 ? below(num_items) : -1);
    }
    all.offset.push_back(std::ssize(all.item));
  }
  return sequential::batch_of(all);
}

std::vector<torch::Tensor> random_leaves(const FilterCase& of, int64_t num_items,
                                         at::Generator& generator) {
  int64_t rows = 0;
  for (const int64_t height : of.heights) rows += height;
  std::vector<torch::Tensor> leaves;
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{num_items, of.width},
                                            {rows * of.horizontal, of.width},
                                            {std::ssize(of.heights) * of.horizontal},
                                            {of.vertical, of.window},
                                            {of.vertical}})
    leaves.push_back(torch::randn(shape, generator).requires_grad_());
  return leaves;
}

// leaves: items' vectors and the filters'.
torch::Tensor by_windows(const FilterCase& of, const Batch& batch,
                         const std::vector<torch::Tensor>& leaves) {
  const auto windows = std::make_shared<Windows>(batch, of.window, of.newest_at_end);
  return sequential::convolved(leaves[0].index_select(0, windows->item_S), windows, of.heights,
                               {leaves[1], leaves[2], leaves[3], leaves[4]})
      .narrow(0, 0, batch.at_R.size(0));
}

torch::Tensor by_images(const FilterCase& of, const Batch& batch,
                        const std::vector<torch::Tensor>& leaves) {
  std::vector<torch::Tensor> features;
  for (int64_t r = 0; r < batch.at_R.size(0); ++r) {
    const int64_t newest = batch.at_R[r].item<int64_t>(),
                  length = std::min(of.window, batch.position_T[newest].item<int64_t>() + 1),
                  empty = of.window - length;
    const torch::Tensor seen_nD =
        leaves[0].index_select(0, batch.item_T.slice(0, newest - length + 1, newest + 1));
    const torch::Tensor image_LD =
        torch::constant_pad_nd(seen_nD, of.newest_at_end ? at::IntArrayRef{0, 0, empty, 0}
                                                         : at::IntArrayRef{0, 0, 0, empty});
    std::vector<torch::Tensor> of_label;
    int64_t first = 0;
    for (size_t h = 0; h < of.heights.size(); ++h) {
      const int64_t height = of.heights[h];
      const torch::Tensor filter_FJD = leaves[1]
                                           .slice(0, first, first + height * of.horizontal)
                                           .view({height, of.horizontal, of.width})
                                           .transpose(0, 1);
      first += height * of.horizontal;
      std::vector<torch::Tensor> values;
      for (int64_t place = 0; place + height <= of.window; ++place)
        values.push_back((filter_FJD * image_LD.slice(0, place, place + height)).sum({1, 2}));
      const auto number = static_cast<int64_t>(h);
      of_label.push_back(
          torch::relu(torch::stack(values).amax(0) +
                      leaves[2].slice(0, number * of.horizontal, (number + 1) * of.horizontal)));
    }
    of_label.push_back((torch::matmul(leaves[3], image_LD) + leaves[4].unsqueeze(1)).flatten());
    features.push_back(torch::cat(of_label));
  }
  return torch::stack(features);
}

std::vector<torch::Tensor> doubles_of(const std::vector<torch::Tensor>& leaves) {
  std::vector<torch::Tensor> doubles;
  for (const torch::Tensor& leaf : leaves)
    doubles.push_back(leaf.detach().to(torch::kFloat64).requires_grad_());
  return doubles;
}

// Whole lanes of filters and numbers, parts of them, and both; more rows than any sequence has.
const std::vector<FilterCase> kCases = {{.window = 5,
                                         .width = 32,
                                         .horizontal = 16,
                                         .vertical = 4,
                                         .heights = {1, 2, 3, 4, 5},
                                         .newest_at_end = true},
                                        {.window = 3,
                                         .width = 20,
                                         .horizontal = 18,
                                         .vertical = 1,
                                         .heights = {3, 1},
                                         .newest_at_end = false},
                                        {.window = 12,
                                         .width = 7,
                                         .horizontal = 3,
                                         .vertical = 2,
                                         .heights = {2, 12},
                                         .newest_at_end = true},
                                        {.window = 1,
                                         .width = 16,
                                         .horizontal = 1,
                                         .vertical = 3,
                                         .heights = {1},
                                         .newest_at_end = false}};

TEST(Convolution, FeaturesAndGradientsAreThoseOfImages) {
  at::Generator generator = at::detail::createCPUGenerator(11);
  for (const FilterCase& of : kCases) {
    const Batch batch = random_batch(/*sequences=*/40, /*num_items=*/30, generator);
    const std::vector<torch::Tensor> leaves = random_leaves(of, 30, generator),
                                     doubles = doubles_of(leaves);
    const torch::Tensor feature_RF = by_windows(of, batch, leaves),
                        expected_RF = by_images(of, batch, doubles);
    EXPECT_LT((feature_RF - expected_RF).abs().max().item<double>(), 2e-5);
    const torch::Tensor seed_RF = torch::randn(expected_RF.sizes(), generator);
    const auto gradients = torch::autograd::grad({(feature_RF * seed_RF).sum()}, leaves),
               expected = torch::autograd::grad({(expected_RF * seed_RF).sum()}, doubles);
    for (size_t n = 0; n < leaves.size(); ++n) {
      const double scale = expected[n].abs().max().item<double>();
      EXPECT_LT((gradients[n] - expected[n]).abs().max().item<double>(), 1e-5 * (1 + scale))
          << "leaf " << n << ", window " << of.window;
    }
  }
}

TEST(Convolution, HasEqualBytesForAnyNumberOfThreads) {
  at::Generator generator = at::detail::createCPUGenerator(12);
  const FilterCase& of = kCases.front();
  const Batch batch = random_batch(/*sequences=*/150, /*num_items=*/30, generator);
  const std::vector<torch::Tensor> leaves = random_leaves(of, 30, generator);
  const auto made_with = [&](int threads) {
    const int before = at::get_num_threads();
    at::set_num_threads(threads);
    const torch::Tensor feature_RF = by_windows(of, batch, leaves);
    std::vector<torch::Tensor> made = torch::autograd::grad({feature_RF.square().sum()}, leaves);
    made.push_back(feature_RF);
    at::set_num_threads(before);
    return made;
  };
  const auto one = made_with(1), three = made_with(3);
  for (size_t n = 0; n < one.size(); ++n) EXPECT_TRUE(torch::equal(one[n], three[n])) << n;
}

// A long history costs no more than its window.
TEST(Convolution, LooksAtTheTokensOfWindowsAlone) {
  sequential::Sequences one;
  for (int64_t n = 0; n < 100; ++n) {
    one.item.push_back(n);
    one.label.push_back(n == 59 || n == 60 || n == 99 ? 7 : -1);
  }
  one.offset.push_back(100);
  const Windows windows(sequential::batch_of(one), /*rows=*/3, /*newest_at_end=*/true);
  const torch::Tensor expected = torch::tensor({57, 58, 59, 60, 97, 98, 99}, torch::kInt64);
  EXPECT_TRUE(torch::equal(windows.item_S.slice(0, 0, 7), expected));
  EXPECT_EQ(windows.item_S.size(0), 32);
  EXPECT_EQ(std::ssize(windows.window_R), 32);
}

}  // namespace
}  // namespace tsrec::test
