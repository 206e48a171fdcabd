#include "tsrec/parts/reward.hpp"

#include "support/support.hpp"

namespace tsrec::test {
namespace {

struct Toy {
  Toy() {
    std::vector<std::string> keys;
    for (int i = 0; i < 30; ++i) keys.push_back(std::to_string(i));
    data.items = Items(keys);
    sids.sizes = {30, 2};
    sids.code_NL = torch::stack({torch::arange(30), torch::zeros({30}, torch::kInt64)}, 1);
    sids.code_NL[7] = sids.code_NL[3];  // items 3 and 7 share a SID
  }
  torch::Tensor score(const std::string& name, const std::vector<std::vector<int64_t>>& items,
                      const std::vector<int64_t>& targets,
                      const std::map<std::string, std::string>& options = {}) {
    Rollouts rollouts;
    const auto B = static_cast<int64_t>(items.size()), G = static_cast<int64_t>(items[0].size());
    rollouts.item_BG = torch::empty({B, G}, torch::kInt64);
    for (int64_t b = 0; b < B; ++b)
      rollouts.item_BG[b] = torch::tensor(items[static_cast<size_t>(b)]);
    rollouts.log_prob_BG = torch::zeros({B, G});
    rollouts.target_B = torch::tensor(targets);
    const auto reward = make_part<Reward>(name, context, options);
    reward->prepare({data, sids, {}}, context);
    return reward->score(rollouts);
  }
  TestContext context;
  Dataset data;
  SidTable sids;
};

TEST(ExactMatch, CountsTheTargetAndItsSidOnly) {
  Toy toy;
  const auto items = std::vector<std::vector<int64_t>>{{1, 3, 5}, {7, 2, 9}};
  EXPECT_TRUE(torch::equal(toy.score("exact_match", items, {5, 3}),
                           torch::tensor({{0.F, 0.F, 1.F}, {1.F, 0.F, 0.F}})));
  EXPECT_TRUE(torch::equal(toy.score("exact_match", items, {5, 3}, {{"match", "item"}}),
                           torch::tensor({{0.F, 0.F, 1.F}, {0.F, 0.F, 0.F}})));
}

TEST(RankPenalty, WeightsAreThePublishedOnes) {
  Toy toy;
  std::vector<int64_t> items;
  for (int64_t i = 10; i < 26; ++i) items.push_back(i);
  // G = 16, as printed by MiniOneRec's formula.
  const std::vector<double> weight = {.1638, .1033, .0819, .0705, .0634, .0583, .0546, .0517,
                                      .0493, .0473, .0457, .0443, .0430, .0419, .0409, .0401};
  const torch::Tensor score = toy.score("rank_penalty", {items, items}, {14, 2});
  for (int64_t g = 0; g < 16; ++g) {
    EXPECT_NEAR(score[0][g].item<double>(), g == 4 ? 0 : -weight[static_cast<size_t>(g)], 5e-5);
    EXPECT_EQ(score[1][g].item<double>(), 0);  // no hit: nobody is punished
  }
}

TEST(Rewards, APromptWithoutATargetIsAnError) {
  Toy toy;
  EXPECT_NE(message_of<Error>([&] {
              toy.score("exact_match", {{1, 2}}, {-1});
            }).find("target"),
            std::string::npos);
}

}  // namespace
}  // namespace tsrec::test
