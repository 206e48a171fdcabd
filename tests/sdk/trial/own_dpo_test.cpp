#include <gtest/gtest.h>

#include "tsrec/parts/trainer.hpp"
#include "tsrec/testing/subject.hpp"
#include "tsrec/testing/toy.hpp"

// The model begins as its own reference, so no answer is preferred: -log sigmoid(0). Then it
// learns.
TEST(OwnDpo, BeginsAtLogTwoAndLearnsToPrefer) {
  tsrec::kit::ToyWorld world;
  const auto examples = world.examples();
  const auto trainer = tsrec::kit::make_part<tsrec::Trainer>(
      TSREC_TESTED_PLUGIN, "own_dpo", world.context, {{"epochs", "3"}, {"learning_rate", "0.01"}});
  trainer->start({.policy = *world.backbone,
                  .examples = *examples,
                  .validation = *examples,
                  .sids = world.sids,
                  .trie = world.trie,
                  .data = world.data,
                  .notes = world.notes},
                 world.context);
  const double before = trainer->validate(world.context).front().value;
  EXPECT_NEAR(before, std::log(2.0), 1e-4);

  for (int64_t index = 0; index < trainer->num_steps(); ++index)
    trainer->step(index, world.context);

  EXPECT_LT(trainer->validate(world.context).front().value, before);
}
