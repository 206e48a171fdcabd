// Trainers on a backbone whose weights are frozen: adapters and the SIDs' rows learn.
#include "plugins/trainer/toy_world.hpp"
#include "tsrec/io/safetensors.hpp"
#include "tsrec/parts/reward.hpp"

namespace tsrec::test {
namespace {

// The toy world's model as a checkpoint, adapted.
struct AdaptedWorld : ToyWorld {
  TempFolder folder;

  AdaptedWorld() {
    kit::ToyBackbone checkpoint(context);
    checkpoint.prepare(items, context);
    checkpoint.save(folder.path() / "checkpoint");
    backbone = make_backbone();
    trie = Trie::build(sids, vocabulary);
  }

  std::shared_ptr<Backbone> make_backbone() {
    const auto made = make_part<Backbone>("pretrained", context,
                                          {{"path", (folder.path() / "checkpoint").string()},
                                           {"lora.rank", "4"},
                                           {"lora.alpha", "8"},
                                           {"lora.targets", "q_proj,v_proj,down_proj"},
                                           {"lora.dropout", "0.1"}});
    made->prepare(items, context);
    vocabulary = Vocabulary(sids, static_cast<int32_t>(made->tokenizer().size()));
    std::vector<std::string> tokens;
    for (const NewToken& token : vocabulary.tokens()) tokens.push_back(token.text);
    made->extend(
        tokens,
        0.3 * torch::randn({static_cast<int64_t>(tokens.size()), 16}, context.generator("rows", 0)),
        {});
    return made;
  }

  std::shared_ptr<Trainer> start(const kit::Subject& subject, Backbone& model,
                                 const ToyExamples& examples) {
    const auto trainer = subject.make_as<Trainer>(context);
    trainer->start(inputs(model, examples), context);
    return trainer;
  }

  std::map<std::string, torch::Tensor> saved(const Backbone& model, const std::string& name) const {
    model.save(folder.path() / name);
    return io::read_safetensors(folder.path() / name / "model.safetensors");
  }
};

// 1 for the item that was asked for.
class Hit final : public Reward {
 public:
  void prepare(const RewardInputs&, Context&) override {}
  torch::Tensor score(const Rollouts& rollouts) const override {
    return (rollouts.item_BG == rollouts.target_B.unsqueeze(1)).to(torch::kFloat32);
  }
};

kit::Subject sft(const OptionTexts& options) { return built_part("trainer", "sft", options); }
kit::Subject grpo(const OptionTexts& options) {
  return built_part("trainer", "grpo", options)
      .with("reward", {slot_entry("hit", std::make_shared<Hit>())});
}

void expect_frozen(const AdaptedWorld& world, const std::map<std::string, torch::Tensor>& before,
                   const std::map<std::string, torch::Tensor>& after) {
  ASSERT_EQ(before.size(), after.size());
  const int64_t first_sid = world.vocabulary.tokens().front().id;
  for (const auto& [name, value] : before) {
    const bool is_vocabulary = name == "model.embed_tokens.weight";
    const int64_t frozen = is_vocabulary ? first_sid : value.size(0);
    EXPECT_TRUE(torch::equal(value.slice(0, 0, frozen), after.at(name).slice(0, 0, frozen)))
        << name;
    if (!is_vocabulary) continue;
    EXPECT_FALSE(torch::equal(value.slice(0, frozen), after.at(name).slice(0, frozen)));
  }
}

TEST(TrainingWithLora, SftLearnsAndTheWeightsKeepTheirBytes) {
  AdaptedWorld world;
  const ToyExamples examples = world.make_examples();
  const auto before = world.saved(*world.backbone, "before");
  const auto trainer = world.start(sft({{"batch_rows", "10"},
                                        {"epochs", "60"},
                                        {"learning_rate", "0.02"},
                                        {"warmup_steps", "5"}}),
                                   *world.backbone, examples);
  EXPECT_EQ(trainer->parameters().size(), world.backbone->parameters().size());
  const double loss = trainer->validate(world.context)[0].value;
  for (int64_t i = 0; i < trainer->num_steps(); ++i) trainer->step(i, world.context);
  EXPECT_LT(trainer->validate(world.context)[0].value, loss / 2);
  expect_frozen(world, before, world.saved(*world.backbone, "after"));
}

TEST(TrainingWithLora, GrpoLeavesTheWeightsAndItsReferenceSharesThem) {
  AdaptedWorld world;
  const ToyExamples examples = world.make_examples(/*with_text_task=*/false);
  const auto before = world.saved(*world.backbone, "before");
  const auto trainer = world.start(grpo({{"batch_prompts", "5"},
                                         {"completions", "4"},
                                         {"learning_rate", "0.02"},
                                         {"kl", "0.1"},
                                         {"sync_every", "2"}}),
                                   *world.backbone, examples);
  const auto reference = world.backbone->clone();
  EXPECT_EQ(reference->head().weight_VD.data_ptr(), world.backbone->head().weight_VD.data_ptr());
  for (int64_t i = 0; i < 3; ++i) trainer->step(i, world.context);
  expect_frozen(world, before, world.saved(*world.backbone, "after"));
}

TEST(TrainingWithLora, BothResumeToTheSameBytes) {
  AdaptedWorld world;
  const ToyExamples examples = world.make_examples(/*with_text_task=*/false);
  const std::vector<kit::Subject> trainers = {
      sft({{"batch_rows", "5"}, {"dropout", "0.2"}, {"learning_rate", "0.01"}}),
      grpo({{"batch_prompts", "4"},
            {"completions", "4"},
            {"epochs", "4"},
            {"learning_rate", "0.01"},
            {"sync_every", "2"},
            {"kl", "0.1"}})};
  for (const kit::Subject& trainer : trainers) {
    expect_exact_resume(
        world, [&](Backbone& model) { return world.start(trainer, model, examples); },
        /*before=*/3, /*after=*/3);
  }
}

}  // namespace
}  // namespace tsrec::test
