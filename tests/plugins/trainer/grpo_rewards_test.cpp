// What the rewards of grpo are told.
#include "plugins/trainer/toy_world.hpp"
#include "tsrec/parts/reward.hpp"

namespace tsrec::test {
namespace {

// Remembers the history that came with each target, and what earlier stages handed on.
class Listening final : public Reward {
 public:
  void prepare(const RewardInputs& inputs, Context&) override { earlier = inputs.earlier; }
  torch::Tensor score(const Rollouts& rollouts) const override {
    const std::lock_guard lock(mutex_);
    for (int64_t b = 0; b < rollouts.item_BG.size(0); ++b) {
      const auto history = rollouts.samples.history(b);
      heard[rollouts.target_B[b].item<int64_t>()] = {history.begin(), history.end()};
    }
    return torch::zeros_like(rollouts.log_prob_BG);
  }

  EarlierStages earlier;
  mutable std::map<int64_t, std::vector<int64_t>> heard;

 private:
  mutable std::mutex mutex_;
};

TEST(RewardsOfGrpo, HearTheHistoriesOfTheSplitAndWhatEarlierStagesMade) {
  ToyWorld world;
  std::vector<CompiledExample> rows;
  SamplesBuilder train, valid;
  for (int64_t row = 0; row < 6; ++row) {
    CompiledExample example;
    example.prompt = {1, 2, static_cast<int32_t>(3 + row)};
    example.target_item = row;
    example.target = world.vocabulary.ids(world.sids, row);
    example.sample = 5 - row;
    rows.push_back(example);
    train.add(row, std::vector<int64_t>{row, row + 1}, 5 - row, row);
    valid.add(row, std::vector<int64_t>{row + 2}, 5 - row, row);
  }
  world.data.train = train.build();
  world.data.valid = valid.build();
  const ToyExamples examples(rows, {0, 1, 2, 3, 4, 5}, {"next_item"});
  const auto reward = std::make_shared<Listening>();
  const torch::Tensor x_ND = torch::rand({12, 3});
  const auto trainer = built_part("trainer", "grpo", {{"batch_prompts", "6"}, {"completions", "3"}})
                           .with("reward", {slot_entry("listening", reward)})
                           .make_as<Trainer>(world.context);
  TrainInputs inputs = world.inputs(*world.backbone, examples);
  inputs.earlier = {.x_ND = x_ND, .recommenders = {{"markov", RankItems()}}};
  trainer->start(inputs, world.context);
  EXPECT_TRUE(torch::equal(reward->earlier.x_ND, x_ND));
  EXPECT_EQ(reward->earlier.recommenders.count("markov"), 1);

  trainer->step(0, world.context);
  ASSERT_EQ(reward->heard.size(), 6);
  for (const auto& [target, history] : reward->heard)
    EXPECT_EQ(history, (std::vector<int64_t>{5 - target, 6 - target}));
  reward->heard.clear();
  trainer->validate(world.context);
  ASSERT_EQ(reward->heard.size(), 6);
  for (const auto& [target, history] : reward->heard)
    EXPECT_EQ(history, std::vector<int64_t>{7 - target});
}

}  // namespace
}  // namespace tsrec::test
