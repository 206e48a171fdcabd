// Trainers on a device take the steps that they take on the processor, without waiting for it.
#include "cuda_support.hpp"

namespace tsrec::test {
namespace {

class CudaTrainer : public Cuda {
 protected:
  ToyWorld world_;
  CudaContext context_;
  const ToyExamples examples_ = world_.make_examples(/*with_text_task=*/false);

  std::shared_ptr<Trainer> started(const std::string& kind, Backbone& model, Context& context,
                                   const OptionTexts& options) const {
    kit::Subject subject = built_part("trainer", kind, options);
    if (kind == "grpo") {
      const auto reward = make_part<Reward>("exact_match", context);
      subject = subject.with("reward", {slot_entry("exact_match", reward)});
    }
    auto trainer = subject.make_as<Trainer>(context);
    trainer->start(world_.inputs(model, examples_), context);
    return trainer;
  }

  // Largest difference of a weight, relative to how far the steps moved any.
  void expect_the_same_steps(const std::string& kind, const OptionTexts& options,
                             double tolerance) {
    const auto there = moved(world_, context_);
    std::vector<torch::Tensor> before;
    for (const nn::Parameter& parameter : world_.backbone->parameters())
      before.push_back(parameter.value.detach().clone());
    TestContext plain;
    const auto on_device = started(kind, *there, context_, options);
    const auto on_processor = started(kind, *world_.backbone, plain, options);
    for (int64_t step = 0; step < 3; ++step) {
      on_device->step(step, context_);
      on_processor->step(step, plain);
    }
    const auto left = there->parameters(), right = world_.backbone->parameters();
    double way = 0, difference = 0;
    for (size_t i = 0; i < left.size(); ++i) {
      const torch::Tensor wanted = right[i].value.detach();
      way = std::max(way, (wanted - before[i]).abs().max().item<double>());
      difference =
          std::max(difference, (left[i].value.detach().cpu() - wanted).abs().max().item<double>());
    }
    EXPECT_GT(way, 1e-4);
    EXPECT_LT(difference / way, tolerance);
    for (const auto& [name, values] : plain.numbers) {
      // Before the first update a model is its own reference: which answer is ahead is rounding.
      const size_t first = name == "train.accuracy" ? 1 : 0;
      for (size_t i = first; i < values.size(); ++i)
        EXPECT_NEAR(context_.numbers[name].at(i), values[i], 1e-4 * (1 + std::abs(values[i])))
            << name;
    }
    EXPECT_NEAR(on_device->validate(context_).front().value,
                on_processor->validate(plain).front().value, 1e-4);
  }

  int64_t waits_of_a_step(const std::string& kind, const OptionTexts& options) {
    const auto model = moved(world_, context_);
    const auto trainer = started(kind, *model, context_, options);
    trainer->step(0, context_);
    const int64_t before = emulated_cuda::num_waits();
    trainer->step(1, context_);
    return emulated_cuda::num_waits() - before;
  }
};

// A large eps is no option of the trainers, so a gradient near zero may turn AdamW's first steps
// around: a tolerance of a few percent of the largest step.
TEST_F(CudaTrainer, SftTakesTheSameSteps) {
  expect_the_same_steps("sft", {{"batch_rows", "8"}, {"max_tokens", "40"}, {"warmup_steps", "0"}},
                        5e-2);
}

TEST_F(CudaTrainer, GrpoTakesTheSameSteps) {
  expect_the_same_steps("grpo",
                        {{"batch_prompts", "4"},
                         {"completions", "4"},
                         {"learning_rate", "1e-3"},
                         {"kl", "0.1"},
                         {"sync_every", "2"}},
                        5e-2);
}

TEST_F(CudaTrainer, SDpoTakesTheSameSteps) {
  expect_the_same_steps(
      "s_dpo", {{"batch_rows", "8"}, {"max_tokens", "40"}, {"learning_rate", "1e-3"}}, 5e-2);
}

TEST_F(CudaTrainer, DpoOfSearchedAnswersTakesTheSameSteps) {
  expect_the_same_steps(
      "dpo", {{"batch_rows", "8"}, {"negatives", "beam"}, {"learning_rate", "1e-3"}}, 5e-2);
}

// A GPU sums gradients in whatever order its blocks end.
TEST_F(CudaTrainer, GoesOnAfterAnInterruption) {
  const OptionTexts options = {{"batch_rows", "8"}};
  const auto straight = moved(world_, context_), first = moved(world_, context_);
  const auto whole = started("sft", *straight, context_, options);
  for (int64_t step = 0; step < 4; ++step) whole->step(step, context_);
  const auto half = started("sft", *first, context_, options);
  for (int64_t step = 0; step < 2; ++step) half->step(step, context_);
  const TempFolder folder;
  std::filesystem::create_directories(folder.path() / "state");
  ArtifactWriter writer(folder.path() / "state");
  half->save_state(writer);
  writer.close();
  first->save(folder.path() / "model");
  auto resumed =
      make_part<Backbone>("pretrained", context_, {{"path", (folder.path() / "model").string()}});
  resumed->prepare(world_.items, context_);
  const auto rest = started("sft", *resumed, context_, options);
  rest->load_state(ArtifactReader(folder.path() / "state"));
  for (int64_t step = 2; step < 4; ++step) rest->step(step, context_);
  const auto left = straight->parameters(), right = resumed->parameters();
  for (size_t i = 0; i < left.size(); ++i)
    EXPECT_LT(relative_difference(right[i].value, left[i].value), 1e-5) << left[i].name;
}

// Losses and the gradient norm are read at the end of a step; no pack is waited for.
TEST_F(CudaTrainer, SftWaitsOnlyAtTheEndOfAStep) {
  if (host::has_driver()) GTEST_SKIP() << "only the emulated device counts";
  const int64_t one_pack = waits_of_a_step("sft", {{"batch_rows", "15"}, {"max_tokens", "4000"}});
  const int64_t many_packs = waits_of_a_step("sft", {{"batch_rows", "15"}, {"max_tokens", "20"}});
  EXPECT_EQ(many_packs, one_pack);
  EXPECT_LE(one_pack, 2);
}

// Of rows whose negatives are known.
TEST_F(CudaTrainer, SDpoWaitsOnlyAtTheEndOfAStep) {
  if (host::has_driver()) GTEST_SKIP() << "only the emulated device counts";
  const int64_t one_pack = waits_of_a_step("s_dpo", {{"batch_rows", "15"}});
  const int64_t many_packs = waits_of_a_step("s_dpo", {{"batch_rows", "15"}, {"max_tokens", "40"}});
  EXPECT_EQ(many_packs, one_pack);
  EXPECT_LE(one_pack, 2);
}

// A rollout reads scores at every level, and what the loss needs once more.
TEST_F(CudaTrainer, GrpoWaitsForTheLevelsOfItsRollout) {
  if (host::has_driver()) GTEST_SKIP() << "only the emulated device counts";
  const int64_t few = waits_of_a_step("grpo", {{"batch_prompts", "2"}, {"completions", "3"}});
  const int64_t more = waits_of_a_step("grpo", {{"batch_prompts", "12"}, {"completions", "6"}});
  EXPECT_EQ(more, few);
  EXPECT_LE(few, 8);
}

}  // namespace
}  // namespace tsrec::test
