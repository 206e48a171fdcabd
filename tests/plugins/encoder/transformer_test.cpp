// Item vectors of whole folders, equal to those of sentence-transformers. The goldens come from
// tests/golden/make_encoders.py.
#include <nlohmann/json.hpp>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/nn/bert_encoder.hpp"
#include "tsrec/parts/encoder.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

struct Golden {
  std::vector<std::string> texts;
  torch::Tensor x_ND;
};

fs::path golden_place(const std::string& name) {
  return fs::path(TSREC_SOURCE_FOLDER) / "tests/golden" / name;
}

Golden read_golden(const fs::path& file) {
  Golden golden;
  std::vector<torch::Tensor> vectors;
  for (const auto& row : nlohmann::json::parse(io::read_text(file))) {
    golden.texts.push_back(row.at("text").get<std::string>());
    vectors.push_back(torch::tensor(row.at("vector").get<std::vector<float>>()));
  }
  golden.x_ND = torch::stack(vectors);
  return golden;
}

Items items_with(const std::vector<std::string>& titles) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < titles.size(); ++i) keys.push_back(std::to_string(i));
  Items items(keys);
  items.set("title", titles);
  return items;
}

torch::Tensor transformed(const fs::path& folder, const std::vector<std::string>& texts,
                          OptionTexts options, TestContext& context) {
  options["path"] = folder.string();
  options["columns"] = "title";
  return make_part<Encoder>("transformer", context, options)->encode({items_with(texts)}, context);
}

torch::Tensor transformed(const fs::path& folder, const std::vector<std::string>& texts,
                          const OptionTexts& options = {}) {
  TestContext context;
  return transformed(folder, texts, options, context);
}

double apart(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

const std::vector<std::string> kSentenceFolders = {"sentence_bert", "sentence_qwen3"};

TEST(Transformer, VectorsAreThoseOfSentenceTransformers) {
  for (const std::string& name : kSentenceFolders) {
    const Golden golden = read_golden(golden_place(name) / "vectors.json");
    EXPECT_LT(apart(transformed(golden_place(name), golden.texts), golden.x_ND), 1e-4) << name;
    TestContext half(17, torch::kCPU, torch::kBFloat16);
    EXPECT_LT(apart(transformed(golden_place(name), golden.texts, {}, half), golden.x_ND), 0.1)
        << name << ": eight numbers a state round coarsely";
  }
}

TEST(Transformer, VectorsOfMiniLmAreThoseOfSentenceTransformers) {
  const char* folder = std::getenv("TSREC_MINILM");
  if (folder == nullptr)
    GTEST_SKIP() << "set TSREC_MINILM to the folder of all-MiniLM-L6-v2 (tests/golden/"
                    "make_encoders.py says where it is)";
  const Golden golden = read_golden(golden_place("minilm.json"));
  EXPECT_LT(apart(transformed(folder, golden.texts), golden.x_ND), 1e-4);
  TestContext half(17, torch::kCPU, torch::kBFloat16);
  EXPECT_LT(apart(transformed(folder, golden.texts, {}, half), golden.x_ND), 1e-2);
}

TEST(Transformer, BatchesAndTheOrderOfItemsChangeNothing) {
  for (const std::string& name : kSentenceFolders) {
    std::vector<std::string> texts = read_golden(golden_place(name) / "vectors.json").texts;
    for (int64_t i = 0; i < 40; ++i) texts.push_back(c10::str("bolt ", i * i, " of steel ", i));
    const torch::Tensor x_ND = transformed(golden_place(name), texts);
    EXPECT_TRUE(torch::equal(x_ND, transformed(golden_place(name), texts)));
    EXPECT_LT(apart(x_ND, transformed(golden_place(name), texts, {{"batch_tokens", "1"}})), 1e-6);
    std::vector<std::string> backwards(texts.rbegin(), texts.rend());
    EXPECT_LT(apart(x_ND.flip({0}), transformed(golden_place(name), backwards)), 1e-6);
  }
}

TEST(Transformer, OptionsGoBeforeTheFolder) {
  const fs::path bert = golden_place("sentence_bert"), qwen = golden_place("sentence_qwen3");
  const std::vector<std::string> texts = {"steel bolt with a red cap", "brass hinge"};
  const torch::Tensor plain = transformed(bert, texts);
  const torch::Tensor cls = transformed(bert, texts, {{"pooling", "cls"}});
  const torch::Tensor last = transformed(bert, texts, {{"pooling", "last"}});
  EXPECT_GT(apart(plain, cls), 1e-2);
  EXPECT_GT(apart(plain, last), 1e-2);
  EXPECT_TRUE(torch::equal(plain, transformed(bert, texts, {{"pooling", "mean"}})));
  const torch::Tensor raw = transformed(bert, texts, {{"normalize", "none"}});
  EXPECT_LT(apart(raw / raw.norm(2, 1, /*keepdim=*/true), plain), 1e-6);
  EXPECT_GT(apart(raw, plain), 1e-2);
  // An instruction is text before the text; the folder's own is used unless another is given.
  EXPECT_LT(apart(transformed(bert, {"red steel bolt"}),
                  transformed(bert, {"bolt"}, {{"prefix", "red steel "}})),
            1e-6);
  const torch::Tensor prompted = transformed(qwen, {"bolt"});
  EXPECT_TRUE(
      torch::equal(prompted, transformed(qwen, {"bolt"}, {{"prefix", "Instruct: find\nItem: "}})));
  EXPECT_GT(apart(prompted, transformed(qwen, {"bolt"}, {{"prefix", ""}})), 1e-2);
}

TEST(Transformer, LongTextsAreCutAndEmptyOnesSaid) {
  TestContext context;
  const fs::path bert = golden_place("sentence_bert");
  const std::string words = "steel bolt with a red cap and a brass hinge for the door of the user";
  const torch::Tensor x_ND =
      transformed(bert, {words, words + " in order", "", "bolt"}, {{"max_tokens", "8"}}, context);
  EXPECT_TRUE(torch::equal(x_ND[0], x_ND[1])) << "the same first six tokens";
  EXPECT_TRUE(x_ND.isfinite().all().item<bool>());
  std::string said;
  for (const std::string& message : context.messages) said += message + "\n";
  EXPECT_TRUE(contains(said, "1 items have no text; they share the vector of the empty text"));
  EXPECT_TRUE(contains(said, "2 of 4 item texts are cut after 6 tokens")) << said;
  EXPECT_GT(context.counters["flops"], 0);
}

TEST(Transformer, RefusesInASentence) {
  const fs::path bert = golden_place("sentence_bert");
  EXPECT_TRUE(contains(message_of<DataError>([&] { transformed("/no/such/folder", {"a"}); }),
                       "'/no/such/folder' is no folder; path must name a downloaded"));
  EXPECT_TRUE(contains(message_of<ConfigError>([&] {
                         transformed(bert, {"a"}, {{"max_tokens", "65"}});
                       }),
                       "max_tokens = 65, but the model in"));
  EXPECT_TRUE(
      contains(message_of<ConfigError>([&] {
                 transformed(bert, {"a"}, {{"max_tokens", "2"}});
               }),
               "max_tokens = 2 leaves no room for a text: 2 tokens stand before and behind it"));
  TestContext context;
  EXPECT_TRUE(contains(message_of<ConfigError>([&] {
                         make_part<Encoder>("transformer", context,
                                            {{"path", bert.string()}, {"columns", "name"}})
                             ->encode({items_with({"a"})}, context);
                       }),
                       "columns names 'name', which no item has; the source's columns are: title"));

  const TempFolder folder;
  fs::copy(bert, folder.path() / "of", fs::copy_options::recursive);
  folder.write("of/config.json", R"({"model_type": "t5"})");
  EXPECT_TRUE(contains(message_of<DataError>([&] { transformed(folder.path() / "of", {"a"}); }),
                       "has model_type = \"t5\"; supported are qwen2"));
  fs::copy(golden_place("sentence_qwen3"), folder.path() / "cased", fs::copy_options::recursive);
  folder.write("cased/sentence_bert_config.json", R"({"do_lower_case": true})");
  EXPECT_TRUE(
      contains(message_of<DataError>([&] { transformed(folder.path() / "cased", {"a"}); }),
               "do_lower_case = true in its sentence_bert_config.json, but its tokenizer keeps"));
}

// Of the tokens before a text, where the folder says so.
TEST(Transformer, APromptMayStandOutsideTheMean) {
  const TempFolder folder;
  const fs::path copy = folder.path() / "bert";
  fs::copy(golden_place("sentence_bert"), copy, fs::copy_options::recursive);
  folder.write("bert/1_Pooling/config.json",
               R"({"pooling_mode": "mean", "include_prompt": false})");
  const torch::Tensor outside = transformed(copy, {"steel bolt"}, {{"prefix", "red cap: "}});

  const text::Tokenizer tokenizer = text::Tokenizer::load(copy);
  std::vector<int32_t> ids = tokenizer.begin_tokens();
  for (const int32_t id : tokenizer.encode("red cap: steel bolt")) ids.push_back(id);
  ids.push_back(tokenizer.end_tokens().at(0));
  const auto skipped =
      static_cast<int64_t>(tokenizer.begin_tokens().size() + tokenizer.encode("red cap: ").size());
  nn::BertEncoder encoder(nn::read_bert_config(copy).value(), torch::kFloat32, torch::kCPU);
  encoder.load(copy);
  const torch::Tensor mean = encoder.hidden(one_row(ids)).slice(0, skipped).mean(0);
  EXPECT_LT(apart(outside[0], mean / mean.norm()), 1e-6);
  EXPECT_GT(apart(outside, transformed(golden_place("sentence_bert"), {"steel bolt"},
                                       {{"prefix", "red cap: "}})),
            1e-3);
}

}  // namespace
}  // namespace tsrec::test
