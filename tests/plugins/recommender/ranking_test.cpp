// Lists and places against sorting all items.
#include "../../../plugins/recommender/sequential/ranking.hpp"

#include "support/support.hpp"

namespace tsrec::test {
namespace {

// By score, of equal ones the lower number first.
torch::Tensor sorted_items(const torch::Tensor& score_BN) {
  return torch::argsort(score_BN, /*stable=*/true, /*dim=*/1, /*descending=*/true);
}

std::vector<torch::Tensor> random_scores() {
  at::Generator generator = at::detail::createCPUGenerator(5);
  std::vector<torch::Tensor> all;
  for (const int64_t items : {1, 63, 64, 65, 500, 4344}) {
    const torch::Tensor score_BN = torch::randn({7, items}, generator);
    all.push_back(score_BN);
    all.push_back((4 * score_BN).round());                // with many equal ones
    all.push_back(torch::where(score_BN > 1.5, score_BN,  // few that are not the lowest
                               std::numeric_limits<float>::lowest()));
    all.push_back(std::get<0>(score_BN.sort(1)));  // the best are neighbours
  }
  return all;
}

TEST(SequentialRanking, ListsAreTheFirstOfAllItemsSorted) {
  for (const torch::Tensor& score_BN : random_scores()) {
    const torch::Tensor sorted_BN = sorted_items(score_BN);
    for (const int64_t count : {0, 1, 20, 64, 200, 5000}) {
      const int64_t width = std::min(count, score_BN.size(1));
      const sequential::BestItems best = sequential::best_items(score_BN, count);
      ASSERT_EQ(best.item_BM.size(1), width);
      EXPECT_TRUE(torch::equal(best.item_BM, sorted_BN.slice(1, 0, width)))
          << count << " of " << score_BN.size(1);
      EXPECT_TRUE(torch::equal(best.score_BM, score_BN.gather(1, best.item_BM)));
    }
  }
}

TEST(SequentialRanking, PlacesAreThoseInTheSortedItems) {
  at::Generator generator = at::detail::createCPUGenerator(6);
  for (const torch::Tensor& score_BN : random_scores()) {
    const torch::Tensor sorted_BN = sorted_items(score_BN),
                        label_B = torch::randint(0, score_BN.size(1), {score_BN.size(0)}, generator,
                                                 torch::kInt64);
    const std::vector<int64_t> place = sequential::places(score_BN, label_B);
    for (int64_t b = 0; b < score_BN.size(0); ++b)
      EXPECT_EQ(sorted_BN[b][place[static_cast<size_t>(b)]].item<int64_t>(),
                label_B[b].item<int64_t>());
  }
}

// A model whose scores are no numbers has lists nevertheless: whoever looks at them says so.
TEST(SequentialRanking, GivesListsOfScoresThatAreNoNumbers) {
  const torch::Tensor score_BN = torch::full({2, 100}, std::numeric_limits<float>::quiet_NaN());
  const sequential::BestItems best = sequential::best_items(score_BN, 20);
  EXPECT_TRUE(best.score_BM.isnan().all().item<bool>());
  EXPECT_TRUE(((best.item_BM >= 0) & (best.item_BM < 100)).all().item<bool>());
}

}  // namespace
}  // namespace tsrec::test
