// The trainer that somebody outside of this tree wrote (tests/sdk/trial), held to the one that is
// shipped.
#include "sdk/trial/own_dpo.hpp"

#include "plugins/trainer/toy_world.hpp"
#include "tsrec/testing/conformance.hpp"

namespace tsrec::test {
namespace {

const PartInfo kOwnDpo = part<Trainer, example::OwnDpo, example::OwnDpoSettings>(
    "own_dpo", /*revision=*/1, "Direct preference optimisation");

std::shared_ptr<Trainer> started(ToyWorld& world, const ToyExamples& examples,
                                 const kit::Subject& subject) {
  auto trainer = subject.make_as<Trainer>(world.context);
  trainer->start(world.inputs(*world.backbone, examples), world.context);
  return trainer;
}

// The same losses and gradients, step by step.
TEST(OwnDpo, TakesTheStepsOfTheShippedOne) {
  const OptionTexts common = {{"batch_rows", "5"},       {"beams", "12"}, {"epochs", "3"},
                              {"beta", "0.7"},           {"clip", "0"},   {"schedule", "constant"},
                              {"learning_rate", "0.003"}};
  OptionTexts of_shipped = common;
  of_shipped["negatives"] = "beam";
  ToyWorld own_world, shipped_world;
  const ToyExamples examples = own_world.make_examples(/*with_text_task=*/false);
  const auto own = started(own_world, examples, kit::Subject(kOwnDpo, common));
  const auto shipped = started(shipped_world, examples, built_part("trainer", "dpo", of_shipped));
  ASSERT_EQ(own->num_steps(), 9);
  ASSERT_EQ(shipped->num_steps(), 9);
  for (int64_t step = 0; step < own->num_steps(); ++step) {
    own->step(step, own_world.context);
    shipped->step(step, shipped_world.context);
    std::vector<torch::Tensor> gradients;
    for (const nn::Parameter& parameter : own->parameters())
      gradients.push_back(parameter.value.grad());
    EXPECT_LT(gradient_difference(*shipped_world.backbone, gradients), 1e-3) << "step " << step;
    EXPECT_NEAR(own_world.context.numbers["train.loss"].back(),
                shipped_world.context.numbers["train.loss"].back(), 1e-5);
  }
  EXPECT_NEAR(own->validate(own_world.context)[0].value,
              shipped->validate(shipped_world.context)[0].value, 1e-4);
}

TEST(OwnDpo, SaysThatItNeedsItems) { EXPECT_TRUE(kOwnDpo.needs_item_answers); }

TEST(OwnDpo, KeepsTheRulesOfTrainers) {
  for (const kit::Finding& finding : kit::conformance(kit::Subject(kOwnDpo)))
    EXPECT_EQ(finding.verdict, kit::Verdict::kept) << finding.rule << ": " << finding.detail;
}

}  // namespace
}  // namespace tsrec::test
