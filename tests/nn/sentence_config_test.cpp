// Folders of sentence-transformers, old and new.
#include "tsrec/nn/sentence_config.hpp"

#include "support/support.hpp"

namespace tsrec::test {
namespace {

// A module list of these classes, the way version 2 wrote it.
std::string modules_json(const std::vector<std::pair<std::string, std::string>>& type_and_path) {
  std::string text;
  for (const auto& [type, path] : type_and_path)
    text += c10::str(text.empty() ? "[" : ", ", R"({"type": "sentence_transformers.models.)", type,
                     R"(", "path": ")", path, R"("})");
  return text + "]";
}

class SentenceFolder : public ::testing::Test {
 protected:
  nn::SentenceConfig read() const { return nn::read_sentence_config(folder_.path()); }
  std::string refusal() const {
    return message_of<DataError>([&] { read(); });
  }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((folder_.path() / name).parent_path());
    folder_.write(name, text);
  }

  TempFolder folder_;
};

TEST_F(SentenceFolder, WithoutAnythingTheMeanIsTaken) {
  const nn::SentenceConfig config = read();
  EXPECT_EQ(config.model, folder_.path());
  EXPECT_EQ(config.pooling, nn::Pooling::mean);
  EXPECT_FALSE(config.normalizes);
  EXPECT_EQ(config.max_tokens, 0);
  EXPECT_EQ(config.prompt, "");
}

TEST_F(SentenceFolder, OfOldVersions) {
  write("modules.json", modules_json({{"Transformer", "0_Transformer"},
                                      {"Pooling", "1_Pooling"},
                                      {"Normalize", "2_Normalize"}}));
  write("1_Pooling/config.json",
        R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false,
            "pooling_mode_max_tokens": false})");
  write("0_Transformer/sentence_roberta_config.json",
        R"({"max_seq_length": 128, "do_lower_case": true})");
  write("0_Transformer/tokenizer_config.json", R"({"model_max_length": 512})");
  const nn::SentenceConfig config = read();
  EXPECT_EQ(config.model, folder_.path() / "0_Transformer");
  EXPECT_EQ(config.pooling, nn::Pooling::cls);
  EXPECT_TRUE(config.normalizes);
  EXPECT_TRUE(config.lowers_case);
  EXPECT_TRUE(config.pools_prompt);
  EXPECT_EQ(config.max_tokens, 128);
}

TEST_F(SentenceFolder, OfNewVersions) {
  write("modules.json", R"([
      {"path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"},
      {"path": "1_Pooling",
       "type": "sentence_transformers.sentence_transformer.modules.pooling.Pooling"}])");
  write("1_Pooling/config.json", R"({"pooling_mode": "lasttoken", "include_prompt": false})");
  write("tokenizer_config.json", R"({"model_max_length": 77})");
  write("config_sentence_transformers.json",
        R"({"prompts": {"query": "Q: ", "item": "I: "}, "default_prompt_name": "item"})");
  const nn::SentenceConfig config = read();
  EXPECT_EQ(config.pooling, nn::Pooling::last);
  EXPECT_FALSE(config.pools_prompt);
  EXPECT_FALSE(config.normalizes);
  EXPECT_EQ(config.max_tokens, 77);
  EXPECT_EQ(config.prompt, "I: ");
  write("tokenizer_config.json", R"({"model_max_length": 1000000000000000019884624838656})");
  EXPECT_EQ(read().max_tokens, 0) << "what transformers writes for no limit";
  write("config_sentence_transformers.json",
        R"({"prompts": {"query": "Q: "}, "default_prompt_name": null})");
  EXPECT_EQ(read().prompt, "");
}

TEST_F(SentenceFolder, WhatIsNotComputedIsRefusedByFileKeyAndValue) {
  write("modules.json", modules_json({{"Transformer", ""}, {"Pooling", "1_P"}, {"Dense", "2_D"}}));
  EXPECT_TRUE(contains(refusal(),
                       "modules.json' has type = "
                       "\"sentence_transformers.models.Dense\"; supported behind"));
  write("modules.json", modules_json({{"CLIPModel", ""}}));
  EXPECT_TRUE(contains(refusal(), "models.CLIPModel\"; supported as the first is Transformer"));
  write("modules.json", "{}");
  EXPECT_TRUE(contains(refusal(), "expected a list of modules"));
  write("modules.json", modules_json({{"Transformer", ""}, {"Pooling", "1_P"}}));
  write("1_P/config.json", R"({"pooling_mode_max_tokens": true})");
  EXPECT_TRUE(contains(refusal(),
                       "config.json' has pooling_mode_max_tokens = true; supported "
                       "are mean, cls and lasttoken"));
  write("1_P/config.json", R"({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": true})");
  EXPECT_TRUE(contains(refusal(), "pooling_mode_cls_token = true; supported are"));
  write("1_P/config.json", R"({"pooling_mode": ["mean", "cls"]})");
  EXPECT_TRUE(contains(refusal(), R"(pooling_mode = ["mean","cls"]; supported are)"));
  write("1_P/config.json", R"({"pooling_mode": "max"})");
  EXPECT_TRUE(contains(refusal(), "pooling_mode = \"max\"; supported are"));
  write("1_P/config.json", R"({"pooling_mode": "mean"})");
  write("config_sentence_transformers.json", R"({"default_prompt_name": "passage"})");
  EXPECT_TRUE(contains(refusal(), "default_prompt_name = \"passage\"; expected the name of one"));
}

}  // namespace
}  // namespace tsrec::test
