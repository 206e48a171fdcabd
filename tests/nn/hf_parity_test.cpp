// Models as transformers writes them: the same logits, and the same bytes when they are saved
// again. The goldens come from tests/golden/make.py.
#include <fstream>
#include <nlohmann/json.hpp>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/io/safetensors.hpp"
#include "tsrec/nn/causal_lm.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kFamilies = {"qwen2", "qwen2_untied", "qwen3", "llama", "llama3"};

fs::path golden(const std::string& family) {
  return fs::path(TSREC_SOURCE_FOLDER) / "tests/golden" / ("hf_" + family);
}

nn::CausalLm loaded(const fs::path& folder) {
  nn::CausalLm model(nn::read_hf_config(folder), torch::kFloat32, torch::kCPU);
  model.load(folder);
  return model;
}

TEST(HfParity, LogitsAreThoseOfTransformers) {
  for (const std::string& family : kFamilies) {
    const nn::CausalLm model = loaded(golden(family));
    const auto expected = io::read_safetensors(golden(family) / "logits.safetensors");
    const torch::Tensor token_BT = expected.at("token_BT"), wanted_BPV = expected.at("logits_BTV");
    const torch::NoGradGuard no_grad;
    for (int64_t b = 0; b < token_BT.size(0); ++b) {
      nn::PackedBatch row;
      row.token_T = token_BT[b].contiguous();
      row.position_T = torch::arange(token_BT.size(1));
      row.segments = {{0, static_cast<int32_t>(token_BT.size(1)), -1, 0}};
      const torch::Tensor logits_TV =
          torch::matmul(model.hidden(row, {}), model.head().weight_VD.t());
      const torch::Tensor every_eighth =
          logits_TV.index_select(0, torch::arange(0, token_BT.size(1), 8));
      EXPECT_LT((every_eighth - wanted_BPV[b]).abs().max().item<double>(), 1e-4) << family;
      EXPECT_GT(wanted_BPV[b].abs().max().item<double>(), 0.5) << "logits that say nothing";
    }
  }
}

TEST(HfParity, SavedAgainEveryTensorHasItsNameAndBytes) {
  for (const std::string& family : kFamilies) {
    const TempFolder folder;
    loaded(golden(family)).save(folder.path());
    const auto ours = io::read_hf_weights(folder.path()),
               theirs = io::read_hf_weights(golden(family));
    ASSERT_EQ(ours.size(), theirs.size()) << family;
    for (const auto& [name, value] : theirs) {
      ASSERT_TRUE(ours.contains(name)) << family << " " << name;
      EXPECT_TRUE(torch::equal(ours.at(name), value)) << family << " " << name;
    }
  }
}

TEST(HfParity, SavedConfigurationsSayTheSame) {
  for (const std::string& family : kFamilies) {
    const TempFolder folder;
    const nn::LmShape shape = nn::read_hf_config(golden(family));
    nn::write_hf_config(shape, /*eos_id=*/1, folder.path());
    const nn::LmShape again = nn::read_hf_config(folder.path());
    EXPECT_EQ(again.family, shape.family);
    EXPECT_EQ(again.head_width, shape.head_width);
    EXPECT_EQ(again.kv_heads, shape.kv_heads);
    EXPECT_EQ(again.rope_theta, shape.rope_theta);
    EXPECT_EQ(again.rope_scaling.kind, shape.rope_scaling.kind);
    EXPECT_EQ(again.rope_scaling.factor, shape.rope_scaling.factor);
    EXPECT_EQ(again.rope_scaling.original_positions, shape.rope_scaling.original_positions);
    EXPECT_EQ(again.max_positions, shape.max_positions);
    EXPECT_EQ(again.tied, shape.tied);
    EXPECT_EQ(again.qk_norm, shape.qk_norm);
    EXPECT_EQ(again.qkv_bias, shape.qkv_bias);
  }
  EXPECT_EQ(nn::read_hf_config(golden("llama3")).rope_scaling.kind, "llama3");
}

// Writes folders for `make.py --check`, which loads them with transformers.
TEST(HfParity, ExtendedModelsForTransformers) {
  const char* target = std::getenv("TSREC_EXPORT_DIR");
  if (target == nullptr)
    GTEST_SKIP() << "set TSREC_EXPORT_DIR, then run make.py --check on its folders";
  for (const std::string family : {"qwen2", "qwen3", "llama3"}) {
    // The golden model, grown to a tokenizer of its own and then by SID tokens.
    nn::LmShape shape = nn::read_hf_config(golden(family));
    const std::vector<std::string> texts = {"steel bolt with a red cap", "brass hinge, 3 x 40 mm"};
    text::Tokenizer tokenizer =
        family == "llama3"
            ? text::Tokenizer::load(fs::path(TSREC_SOURCE_FOLDER) / "tests/golden/tokenizer_llama3")
            : text::Tokenizer::train(texts, 300);
    shape.vocabulary = tokenizer.size();
    nn::CausalLm model(shape, torch::kFloat32, torch::kCPU);
    model.init_random(at::detail::createCPUGenerator(3));
    const std::vector<std::string> sids = {"<a_0>", "<a_1>", "<b_0>"};
    const torch::Tensor rows =
        torch::randn({3, shape.width}, at::detail::createCPUGenerator(4)) * 0.3;
    model.set_rows(tokenizer.size(), rows, shape.tied ? torch::Tensor() : rows);
    tokenizer.add(sids);
    const fs::path folder = fs::path(target) / family;
    fs::create_directories(folder);
    model.save(folder);
    nn::write_hf_config(model.shape(), tokenizer.eos(), folder);
    tokenizer.save(folder);
    const std::string text = "A red cap <a_0><b_0>, then <a_1> 12345 caf\u00e9";
    const std::vector<int32_t> ids = tokenizer.encode(text);
    const torch::NoGradGuard no_grad;
    const torch::Tensor last =
        torch::matmul(model.hidden(test::one_row(ids), {}), model.head().weight_VD.t())[-1]
            .contiguous();
    const std::vector<float> logits(last.const_data_ptr<float>(),
                                    last.const_data_ptr<float>() + last.numel());
    io::write_text(folder / "expected.json",
                   nlohmann::json{{"text", text}, {"ids", ids}, {"last_logits", logits}}.dump());
  }
}

}  // namespace
}  // namespace tsrec::test
