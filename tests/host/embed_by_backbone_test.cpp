// An encoder that asks the experiment's own backbone: its stage comes behind the backbone's.
#include "cli_support.hpp"
#include "pipeline/artefacts.hpp"
#include "pipeline/parts.hpp"
#include "pipeline/runner.hpp"
#include "plugin/registry.hpp"
#include "tsrec/nn/causal_lm.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;
using host::StageId;

const std::string kLlm = "[encoder]\nuse = \"llm\"\nmax_tokens = 12\n";

class EmbedByBackbone : public ::testing::Test {
 protected:
  host::Experiment read(const std::string& encoder, std::vector<std::string> set = {},
                        bool with_backbone = true) {
    const std::string configs = std::string(TSREC_SOURCE_FOLDER) + "/configs/";
    std::string text = "include = [";
    for (const char* name : {"data/synthetic", "backbone/tiny", "prompt/compact", "method/ts-rec",
                             "extract/ctfidf", "evaluate/full_ranking"}) {
      const bool is_of_model = std::string_view(name) != "data/synthetic";
      if (with_backbone || !is_of_model) text += "\"" + configs + name + ".toml\", ";
    }
    text +=
        "]\n[run]\nprecision = \"float32\"\n[source]\nitems = 60\nusers = 80\n[quantizer]\nuse = "
        "\"rq_kmeans\"\nlevels = 2\ncodes = 4\n[resolver]\nuse = \"random_last\"\n[evaluate]\n"
        "metric = [{ use = \"hr\", k = [1] }]\n";
    if (with_backbone)
      text +=
          "[backbone]\nvocabulary = 300\nwidth = 16\nlayers = 2\nheads = 2\nmlp_width = 32\n"
          "pretrain_steps = 0\n[[stage]]\nuse = \"sft\"\nmax_steps = 2\n";
    folder_.write("experiment.toml", text + encoder);
    host::DocumentRequest request;
    request.file = folder_.path() / "experiment.toml";
    request.set = std::move(set);
    return host::make_experiment(host::Document::load(request), registry_);
  }

  static std::vector<std::string> first_stages(const host::Experiment& experiment) {
    std::vector<std::string> names;
    for (size_t i = 0; i < 4; ++i) names.push_back(experiment.stages[i].id.text());
    return names;
  }
  static const host::Stage& embed(const host::Experiment& experiment) {
    return *std::find_if(
        experiment.stages.begin(), experiment.stages.end(),
        [](const host::Stage& stage) { return stage.id == StageId{StageId::Role::embed}; });
  }

  TempFolder folder_;
  host::Registry registry_{{}, ""};
};

using Names = std::vector<std::string>;

TEST_F(EmbedByBackbone, ComesBehindTheBackboneOnlyWhereTheEncoderAsksIt) {
  const std::vector<StageId> both = {{StageId::Role::load}, {StageId::Role::backbone}};
  for (const std::string& encoder :
       {kLlm, std::string("[encoder]\nuse = \"normalize\"\nof = { use = \"llm\" }\n")}) {
    const host::Experiment experiment = read(encoder);
    EXPECT_EQ(first_stages(experiment), (Names{"load", "backbone", "embed", "quantize"}));
    EXPECT_EQ(embed(experiment).inputs, both);
  }
  const host::Experiment by_words = read("[encoder]\nuse = \"lsa\"\n");
  EXPECT_EQ(first_stages(by_words), (Names{"load", "embed", "quantize", "resolve"}));
  EXPECT_EQ(embed(by_words).inputs, (std::vector<StageId>{{StageId::Role::load}}));
}

TEST_F(EmbedByBackbone, NeedsOne) {
  EXPECT_NE(message_of<ConfigError>([&] {
              read(kLlm, {}, /*with_backbone=*/false);
            }).find("the encoder 'llm' needs [backbone] (the language model and its tokenizer)"),
            std::string::npos);
  const std::string nested = "[encoder]\nuse = \"normalize\"\nof = { use = \"llm\" }\n";
  EXPECT_NE(message_of<ConfigError>([&] {
              read(nested, {}, /*with_backbone=*/false);
            }).find("the encoder 'llm' needs [backbone]"),
            std::string::npos);
}

TEST_F(EmbedByBackbone, VectorsAreThoseOfTheStoredModelAndAnotherModelGivesOthers) {
  const host::Store store(folder_.path() / "store");
  const auto run = [&](std::vector<std::string> set) {
    host::Experiment experiment = read(kLlm, std::move(set));
    experiment.stages.resize(3);
    host::Trackers nobody;
    return host::run_stages(experiment, store, host::made_here(experiment, store, nobody), nobody);
  };
  const auto results = run({});
  ASSERT_EQ(results[2].state, host::StageResult::State::ran) << results[2].why;
  const torch::Tensor x_ND = ArtifactReader(results[2].folder).tensor("x_ND");
  const Dataset data = host::read_dataset(results[0].folder);
  const fs::path stored = results[1].folder / "model";
  nn::CausalLm model(nn::read_hf_config(stored), torch::kFloat32, torch::kCPU);
  model.load(stored);
  const text::Tokenizer tokenizer = text::Tokenizer::load(stored);
  const torch::NoGradGuard no_grad;
  for (const int64_t item : {0, 17, 59}) {
    std::vector<int32_t> ids = tokenizer.encode(
        c10::str(data.items.text("title", item), "\n", data.items.text("description", item)));
    ids.resize(std::min<size_t>(ids.size(), 12));
    const torch::Tensor mean = model.hidden(one_row(ids), {}).to(torch::kFloat64).mean(0);
    EXPECT_LT((x_ND[item].to(torch::kFloat64) - mean / mean.norm()).abs().max().item<double>(),
              1e-5)
        << item;
  }

  EXPECT_EQ(run({})[2].state, host::StageResult::State::stored);
  host::Experiment other = read(kLlm, {"backbone.width=32"});
  const auto plan = host::plan_stages(other, store);
  EXPECT_EQ(plan[2].why, "its input backbone changes");
  const auto again = run({"backbone.width=32"});
  EXPECT_NE(again[2].key, results[2].key);
  EXPECT_EQ(ArtifactReader(again[2].folder).tensor("x_ND").size(1), 32);
}

}  // namespace
}  // namespace tsrec::test
