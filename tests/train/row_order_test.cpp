#include "tsrec/train/row_order.hpp"

#include <set>

#include "support/support.hpp"
#include "tsrec/train/best_state.hpp"

namespace tsrec::test {
namespace {

using Cut = train::RowOrderOptions::Cut;

// Every row once an epoch, in steps of the sizes that the cut promises, and the same again from any
// step on.
TEST(RowOrder, EveryRowOnceAnEpochInStepsOfTheirSize) {
  for (const int64_t rows : {1, 7, 24, 1000}) {
    for (const int64_t batch : {1, 7, 24, 2000}) {
      for (const Cut cut : {Cut::full, Cut::even}) {
        TestContext context;
        train::RowOrder order({.num_rows = rows, .batch_rows = batch, .epochs = 3, .cut = cut});
        const int64_t steps = (rows + batch - 1) / batch;
        ASSERT_EQ(order.steps_per_epoch(), steps);
        ASSERT_EQ(order.num_steps(), 3 * steps);
        std::vector<std::vector<int64_t>> epochs(3), of_step;
        for (int64_t step = 0; step < 3 * steps; ++step) {
          const auto taken = order.rows(step, context);
          of_step.emplace_back(taken.begin(), taken.end());
          auto& epoch = epochs[static_cast<size_t>(order.epoch_of(step))];
          epoch.insert(epoch.end(), taken.begin(), taken.end());
          const auto size = static_cast<int64_t>(taken.size());
          if (cut == Cut::full) {
            const bool is_last = step % steps == steps - 1;
            EXPECT_EQ(size, is_last ? rows - (steps - 1) * batch : batch);
          } else {
            EXPECT_LE(std::abs(size * steps - rows), steps);
          }
        }
        for (std::vector<int64_t> epoch : epochs) {
          std::sort(epoch.begin(), epoch.end());
          ASSERT_EQ(static_cast<int64_t>(epoch.size()), rows);
          for (int64_t row = 0; row < rows; ++row) EXPECT_EQ(epoch[static_cast<size_t>(row)], row);
        }
        if (rows == 1000) {
          EXPECT_NE(epochs[0], epochs[1]);
        }
        train::RowOrder again({.num_rows = rows, .batch_rows = batch, .epochs = 3, .cut = cut});
        for (int64_t step = 3 * steps - 1; step >= 0; --step) {
          const auto taken = again.rows(step, context);
          EXPECT_TRUE(std::equal(taken.begin(), taken.end(),
                                 of_step[static_cast<size_t>(step)].begin(),
                                 of_step[static_cast<size_t>(step)].end()));
        }
      }
    }
  }
}

TEST(RowOrder, GroupsStayInOneStepAndStepsMayEndEarly) {
  TestContext context;
  for (const Cut cut : {Cut::full, Cut::even}) {
    train::RowOrder order({.num_rows = 100,
                           .batch_rows = 4,
                           .epochs = 2,
                           .max_steps = 31,
                           .cut = cut,
                           .group = [](int64_t row, int64_t epoch) { return (row + epoch) % 9; }});
    EXPECT_EQ(order.num_steps(), 31);
    for (int64_t epoch = 0; epoch < 2; ++epoch) {
      std::map<int64_t, int64_t> step_of;
      int64_t count = 0;
      for (int64_t step = 25 * epoch; step < 25 * (epoch + 1); ++step) {
        for (const int64_t row : order.rows(step, context)) {
          ++count;
          EXPECT_EQ(step_of.emplace((row + epoch) % 9, step).first->second, step);
        }
      }
      EXPECT_EQ(count, 100);
      EXPECT_EQ(step_of.size(), 9u);
    }
  }
  EXPECT_TRUE(contains(message_of<Error>([] { train::RowOrder({.num_rows = 0}); }), "no rows"));
}

TEST(BestState, KeepsTheLowestAndSurvivesTheDisk) {
  const torch::Tensor weight = torch::zeros({3}).requires_grad_();
  const std::vector<nn::Parameter> parameters = {{"weight", weight, false}};
  train::BestState best;
  EXPECT_FALSE(best.restore(parameters));
  const auto offered = [&](double value, int64_t step) {
    const torch::NoGradGuard no_grad;
    weight.fill_(static_cast<double>(step));
    return best.offer(value, step, parameters);
  };
  EXPECT_TRUE(offered(3, 1));
  EXPECT_TRUE(offered(1, 2));
  EXPECT_FALSE(offered(1, 3));
  EXPECT_FALSE(offered(2, 4));
  const TempFolder folder;
  ArtifactWriter writer(folder.path() / "best");
  best.save(writer);
  writer.close();
  train::BestState loaded;
  loaded.load(ArtifactReader(folder.path() / "best"));
  EXPECT_EQ(loaded.step(), 2);
  const void* memory = weight.const_data_ptr();
  EXPECT_TRUE(loaded.restore(parameters));
  EXPECT_TRUE(torch::equal(weight.detach(), torch::full({3}, 2.0)));
  EXPECT_EQ(weight.const_data_ptr(), memory) << "values go back in place";
}

}  // namespace
}  // namespace tsrec::test
