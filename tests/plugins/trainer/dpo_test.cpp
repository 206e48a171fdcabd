// The trainer that somebody outside of this tree wrote (tests/sdk/trial), held to formulas.
#include "sdk/trial/dpo.hpp"

#include "plugins/trainer/toy_world.hpp"
#include "tsrec/testing/conformance.hpp"

namespace tsrec::test {
namespace {

const PartInfo kDpo = part<Trainer, example::Dpo, example::DpoSettings>(
    "dpo", /*revision=*/1, "Direct preference optimisation");

std::shared_ptr<Trainer> start_dpo(ToyWorld& world, Backbone& model, const ToyExamples& examples,
                                   OptionTexts options) {
  auto trainer = kit::Subject(kDpo, std::move(options)).make_as<Trainer>(world.context);
  trainer->start({.policy = model,
                  .examples = examples,
                  .validation = examples,
                  .sids = world.sids,
                  .trie = world.trie,
                  .data = world.data,
                  .notes = world.notes},
                 world.context);
  return trainer;
}

// The loss by its definition, over all answers listed one by one.
torch::Tensor plain_loss(const ToyWorld& world, const nn::LanguageModel& model,
                         const nn::LanguageModel& reference,
                         const std::vector<CompiledExample>& rows, double beta) {
  torch::Tensor loss = torch::zeros({});
  for (const CompiledExample& row : rows) {
    double best = -std::numeric_limits<double>::infinity();
    std::vector<int32_t> other;
    for (int64_t item = 0; item < world.items.size(); ++item) {
      const auto sid = world.vocabulary.ids(world.sids, item);
      const double value = row_log_probs(reference, row.prompt, sid).sum().item<double>();
      if (item == row.target_item || value < best) continue;
      best = value;
      other = sid;
    }
    const auto ratio = [&](const std::vector<int32_t>& sid) {
      return row_log_probs(model, row.prompt, sid).sum() -
             row_log_probs(reference, row.prompt, sid).sum().detach();
    };
    const torch::Tensor margin = beta * (ratio(row.target) - ratio(other));
    loss = loss - torch::log_sigmoid(margin) / static_cast<double>(rows.size());
  }
  return loss;
}

TEST(Dpo, GradientOfAStepIsThatOfTheLossByEnumeration) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples(/*with_text_task=*/false);
  const auto trainer = start_dpo(world, *world.backbone, examples,
                                 {{"batch_rows", "1000"},
                                  {"beams", "12"},  // the whole catalogue
                                  {"epochs", "2"},
                                  {"beta", "0.7"},
                                  {"clip", "0"},
                                  {"learning_rate", "0.003"}});
  trainer->step(0, world.context);  // away from the reference
  const auto reference = world.make_backbone();
  const torch::Tensor loss =
      plain_loss(world, *world.backbone, *reference, examples.rows(), /*beta=*/0.7);
  const auto expected = gradients(loss, *world.backbone);
  trainer->step(1, world.context);
  EXPECT_LT(gradient_difference(*world.backbone, expected), 1e-4);
  EXPECT_NEAR(world.context.numbers["train.loss"].back(), loss.item<double>(), 1e-5);
}

TEST(Dpo, SaysThatItNeedsItems) { EXPECT_TRUE(kDpo.needs_item_answers); }

TEST(Dpo, LearnsToPrefer) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples(false);
  const auto trainer =
      start_dpo(world, *world.backbone, examples, {{"epochs", "20"}, {"learning_rate", "0.01"}});
  const Numbers before = trainer->validate(world.context);
  EXPECT_NEAR(before[0].value, std::log(2.0), 1e-4);
  for (int64_t i = 0; i < trainer->num_steps(); ++i) trainer->step(i, world.context);
  const Numbers after = trainer->validate(world.context);
  EXPECT_LT(after[0].value, before[0].value / 2);
  EXPECT_GT(after[1].value, 0.9);
}

TEST(Dpo, ResumesToTheSameBytes) {
  ToyWorld world;
  const ToyExamples examples = world.make_examples(false);
  expect_exact_resume(
      world,
      [&](Backbone& model) {
        return start_dpo(world, model, examples,
                         {{"batch_rows", "4"}, {"epochs", "3"}, {"learning_rate", "0.01"}});
      },
      /*before=*/3, /*after=*/4);
}

TEST(Dpo, KeepsTheRulesOfTrainers) {
  for (const kit::Finding& finding : kit::conformance(kit::Subject(kDpo)))
    EXPECT_EQ(finding.verdict, kit::Verdict::kept) << finding.rule << ": " << finding.detail;
}

}  // namespace
}  // namespace tsrec::test
