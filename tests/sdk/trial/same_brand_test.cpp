#include <gtest/gtest.h>

#include "tsrec/parts/reward.hpp"
#include "tsrec/testing/subject.hpp"
#include "tsrec/testing/toy.hpp"

TEST(SameBrand, ComparesTheColumn) {
  tsrec::kit::ToyWorld world;
  const tsrec::Items& items = world.data.items;
  for (const std::string column : {"brand", "category"}) {
    const auto reward = tsrec::kit::make_part<tsrec::Reward>(TSREC_TESTED_PLUGIN, "same_brand",
                                                             world.context, {{"column", column}});
    reward->prepare({.data = world.data, .sids = world.sids, .notes = world.notes}, world.context);
    tsrec::Rollouts rollouts;
    rollouts.item_BG = torch::arange(items.size()).unsqueeze(0);
    rollouts.target_B = torch::tensor({7}, torch::kInt64);

    const torch::Tensor score_BG = reward->score(rollouts);

    for (int64_t item = 0; item < items.size(); ++item)
      EXPECT_EQ(score_BG[0][item].item<float>() == 1,
                items.text(column, item) == items.text(column, 7));
  }
}
