#include "tsrec/train/examples.hpp"

#include "support/support.hpp"

namespace tsrec::test {
namespace {

TEST(DescribePrompts, SaysTargetAndRowOfEach) {
  SamplesBuilder builder;
  for (int64_t row = 0; row < 5; ++row) {
    std::vector<int64_t> history(static_cast<size_t>(row), 10 * row);
    builder.add(/*user=*/100 + row, history, /*target=*/row, /*time=*/1000 + row);
  }
  const Samples rows = builder.build();
  std::vector<CompiledExample> examples(4);
  const std::array<int64_t, 4> sample = {3, -1, 0, 3};
  for (size_t b = 0; b < 4; ++b) {
    examples[b].sample = sample[b];
    examples[b].target_item = 20 + static_cast<int64_t>(b);
  }
  Rollouts rollouts;
  train::describe_prompts(rollouts, examples, rows);
  EXPECT_TRUE(torch::equal(rollouts.target_B, torch::tensor({20, 21, 22, 23}, torch::kInt64)));
  ASSERT_EQ(rollouts.samples.size(), 4);
  for (int64_t b = 0; b < 4; ++b) {
    const int64_t row = sample[static_cast<size_t>(b)];
    EXPECT_EQ(rollouts.samples.user(b), row < 0 ? -1 : 100 + row);
    EXPECT_EQ(rollouts.samples.target(b), 20 + b);
    EXPECT_EQ(rollouts.samples.time_S[b].item<int64_t>(), row < 0 ? 0 : 1000 + row);
    const auto history = rollouts.samples.history(b);
    EXPECT_EQ(std::vector<int64_t>(history.begin(), history.end()),
              row < 0 ? std::vector<int64_t>()
                      : std::vector<int64_t>(static_cast<size_t>(row), 10 * row));
  }
  train::describe_prompts(rollouts, {}, rows);
  EXPECT_EQ(rollouts.samples.size(), 0);
  EXPECT_EQ(rollouts.target_B.numel(), 0);
}

}  // namespace
}  // namespace tsrec::test
