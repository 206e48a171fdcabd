// Encoders of texts: the states of transformers, the formula in double precision, and what is
// refused. The goldens come from tests/golden/make_encoders.py.
#include "tsrec/nn/bert_encoder.hpp"

#include <nlohmann/json.hpp>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/io/safetensors.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kBertFamilies = {"bert", "roberta", "xlm-roberta", "distilbert",
                                                "mpnet"};

fs::path encoder_golden(const std::string& family) {
  return fs::path(TSREC_SOURCE_FOLDER) / "tests/golden" / ("hf_" + family);
}

nn::BertEncoder loaded_encoder(const fs::path& folder,
                               torch::ScalarType precision = torch::kFloat32) {
  nn::BertEncoder encoder(nn::read_bert_config(folder).value(), precision, torch::kCPU);
  encoder.load(folder);
  return encoder;
}

double farthest(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

// Rows of these lengths behind each other.
nn::PackedBatch batch_of(const std::vector<std::vector<int32_t>>& rows) {
  nn::PackedBatch batch;
  std::vector<torch::Tensor> tokens, positions;
  for (const std::vector<int32_t>& row : rows) {
    const nn::PackedBatch one = one_row(row);
    batch.segments.push_back(
        {static_cast<int32_t>(batch.segments.empty()
                                  ? 0
                                  : batch.segments.back().begin + batch.segments.back().length),
         static_cast<int32_t>(row.size())});
    tokens.push_back(one.token_T);
    positions.push_back(one.position_T);
  }
  batch.token_T = torch::cat(tokens);
  batch.position_T = torch::cat(positions);
  return batch;
}

TEST(BertEncoder, StatesAreThoseOfTransformers) {
  for (const std::string& family : kBertFamilies) {
    const auto expected = io::read_safetensors(encoder_golden(family) / "states.safetensors");
    const torch::Tensor token_BT = expected.at("token_BT"), state_BTD = expected.at("state_BTD");
    std::vector<std::vector<int32_t>> rows;
    for (int64_t b = 0; b < token_BT.size(0); ++b) {
      const torch::Tensor row = token_BT[b].contiguous();
      rows.emplace_back(row.const_data_ptr<int64_t>(), row.const_data_ptr<int64_t>() + row.size(0));
    }
    const torch::Tensor wanted_TD = state_BTD.flatten(0, 1);
    const nn::PackedBatch batch = batch_of(rows);
    EXPECT_LT(farthest(loaded_encoder(encoder_golden(family)).hidden(batch), wanted_TD), 1e-5)
        << family;
    EXPECT_LT(
        farthest(loaded_encoder(encoder_golden(family), torch::kBFloat16).hidden(batch), wanted_TD),
        0.15)
        << family;
    EXPECT_GT(wanted_TD.abs().max().item<double>(), 0.5) << "states that say nothing";
  }
}

// A random BERT on disk, and its formula in double precision, one row at a time.
class RandomBert {
 public:
  // old: as the first checkpoints were written, below a head and with other names for norms.
  RandomBert(const fs::path& folder, bool old) {
    io::write_text(folder / "config.json", nlohmann::json{{"model_type", "bert"},
                                                          {"vocab_size", kVocabulary},
                                                          {"hidden_size", kWidth},
                                                          {"num_hidden_layers", kLayers},
                                                          {"num_attention_heads", kHeads},
                                                          {"intermediate_size", kInner},
                                                          {"max_position_embeddings", kPositions},
                                                          {"layer_norm_eps", 1e-12}}
                                               .dump());
    io::NamedTensors stored;
    const auto add = [&](const std::string& name, at::IntArrayRef sizes, double scale) {
      weight_[name] = (scale * torch::randn(sizes)).to(torch::kFloat32);
      std::string written = (old ? "bert." : "") + name;
      if (old && name.find("LayerNorm.") != std::string::npos) {
        const size_t at = written.rfind('.');
        written = written.substr(0, at) + (written.ends_with("weight") ? ".gamma" : ".beta");
      }
      stored.emplace_back(written, weight_[name]);
    };
    const auto linear = [&](const std::string& name, int64_t out, int64_t in) {
      add(name + ".weight", {out, in}, 0.4);
      add(name + ".bias", {out}, 0.2);
    };
    const auto norm = [&](const std::string& name) {
      add(name + ".weight", {kWidth}, 1);
      add(name + ".bias", {kWidth}, 0.3);
    };
    add("embeddings.word_embeddings.weight", {kVocabulary, kWidth}, 1);
    add("embeddings.position_embeddings.weight", {kPositions, kWidth}, 1);
    add("embeddings.token_type_embeddings.weight", {2, kWidth}, 1);
    norm("embeddings.LayerNorm");
    for (int64_t i = 0; i < kLayers; ++i) {
      const std::string p = c10::str("encoder.layer.", i, ".");
      for (const char* name : {"query", "key", "value"})
        linear(p + "attention.self." + name, kWidth, kWidth);
      linear(p + "attention.output.dense", kWidth, kWidth);
      norm(p + "attention.output.LayerNorm");
      linear(p + "intermediate.dense", kInner, kWidth);
      linear(p + "output.dense", kWidth, kInner);
      norm(p + "output.LayerNorm");
    }
    io::write_safetensors(folder / "model.safetensors", stored);
  }

  torch::Tensor formula(const std::vector<int32_t>& row) const {
    const auto length = static_cast<int64_t>(row.size());
    torch::Tensor x = torch::zeros({length, kWidth}, torch::kFloat64);
    for (int64_t t = 0; t < length; ++t)
      x[t] = at("embeddings.word_embeddings.weight")[row[static_cast<size_t>(t)]] +
             at("embeddings.position_embeddings.weight")[t] +
             at("embeddings.token_type_embeddings.weight")[0];
    x = normed(x, "embeddings.LayerNorm");
    for (int64_t i = 0; i < kLayers; ++i) {
      const std::string p = c10::str("encoder.layer.", i, ".");
      const torch::Tensor q = linear(x, p + "attention.self.query"),
                          k = linear(x, p + "attention.self.key"),
                          v = linear(x, p + "attention.self.value");
      const int64_t d = kWidth / kHeads;
      std::vector<torch::Tensor> heads;
      for (int64_t h = 0; h < kHeads; ++h) {
        const auto part = [&](const torch::Tensor& y) { return y.slice(1, h * d, (h + 1) * d); };
        const torch::Tensor weight =
            (torch::matmul(part(q), part(k).t()) / std::sqrt(static_cast<double>(d))).exp();
        heads.push_back(torch::matmul(weight, part(v)) / weight.sum(1, /*keepdim=*/true));
      }
      x = normed(x + linear(torch::cat(heads, 1), p + "attention.output.dense"),
                 p + "attention.output.LayerNorm");
      const torch::Tensor inner = linear(x, p + "intermediate.dense");
      const torch::Tensor active = 0.5 * inner * (1 + torch::erf(inner / std::sqrt(2.0)));
      x = normed(x + linear(active, p + "output.dense"), p + "output.LayerNorm");
    }
    return x;
  }

  static constexpr int64_t kVocabulary = 30, kWidth = 12, kLayers = 3, kHeads = 3, kInner = 20,
                           kPositions = 40;

 private:
  torch::Tensor at(const std::string& name) const { return weight_.at(name).to(torch::kFloat64); }
  torch::Tensor linear(const torch::Tensor& x, const std::string& name) const {
    return torch::matmul(x, at(name + ".weight").t()) + at(name + ".bias");
  }
  torch::Tensor normed(const torch::Tensor& x, const std::string& name) const {
    const torch::Tensor centred = x - x.mean(1, /*keepdim=*/true);
    return centred / (centred.square().mean(1, /*keepdim=*/true) + 1e-12).sqrt() *
               at(name + ".weight") +
           at(name + ".bias");
  }

  std::map<std::string, torch::Tensor> weight_;
};

std::vector<int32_t> random_row(int64_t length) {
  const torch::Tensor ids = torch::randint(RandomBert::kVocabulary, {length}, torch::kInt32);
  return {ids.const_data_ptr<int32_t>(), ids.const_data_ptr<int32_t>() + length};
}

TEST(BertEncoder, EveryTextIsReadByItselfAndAsTheFormulaSays) {
  for (const bool old : {false, true}) {
    const TempFolder folder;
    const RandomBert random(folder.path(), old);
    const nn::BertEncoder encoder = loaded_encoder(folder.path());
    std::vector<std::vector<int32_t>> rows;
    for (const int64_t length : {1, 3, 3, 7, 3, 40, 12, 12, 12}) rows.push_back(random_row(length));
    std::vector<torch::Tensor> wanted;
    for (const std::vector<int32_t>& row : rows) wanted.push_back(random.formula(row));
    EXPECT_LT(farthest(encoder.hidden(batch_of(rows)), torch::cat(wanted)), 1e-4);
    EXPECT_EQ(encoder.flops_per_token(), 2.0 * RandomBert::kLayers *
                                             (4 * RandomBert::kWidth * RandomBert::kWidth +
                                              2 * RandomBert::kWidth * RandomBert::kInner));
  }
}

TEST(BertEncoder, WhatItCannotReadIsRefused) {
  const TempFolder folder;
  const RandomBert random(folder.path(), /*old=*/false);
  const nn::BertEncoder encoder = loaded_encoder(folder.path());
  EXPECT_TRUE(contains(message_of<Error>([&] { encoder.hidden(one_row(random_row(41))); }),
                       "a text of 41 tokens is longer than the 40 positions"));
  nn::PackedBatch tree = batch_of({random_row(3), random_row(2)});
  tree.segments[1].parent = 0;
  EXPECT_TRUE(contains(message_of<Error>([&] { encoder.hidden(tree); }), "hangs off another"));

  const auto refusal = [&](const std::string& config) {
    folder.write("config.json", config);
    return message_of<DataError>([&] { nn::read_bert_config(folder.path()); });
  };
  EXPECT_TRUE(contains(refusal(R"({"model_type": "bert", "hidden_act": "relu"})"),
                       "config.json' has hidden_act = \"relu\"; the only activation"));
  EXPECT_TRUE(contains(refusal(R"({"model_type": "distilbert", "activation": "relu"})"),
                       "activation = \"relu\"; the only activation"));
  EXPECT_TRUE(
      contains(refusal(R"({"model_type": "bert", "position_embedding_type": "relative_key"})"),
               "position_embedding_type = \"relative_key\"; supported is absolute"));
  EXPECT_TRUE(contains(refusal(R"({"model_type": "roberta", "is_decoder": true})"),
                       "is_decoder = true; supported is false"));
  EXPECT_TRUE(contains(refusal(R"({"model_type": "mpnet", "relative_attention_num_buckets": 16})"),
                       "relative_attention_num_buckets = 16; supported is 32"));
  EXPECT_TRUE(contains(refusal(R"({"model_type": "bert", "num_attention_heads": 5})"),
                       "sizes that do not fit together"));
  EXPECT_TRUE(contains(refusal(R"({"model_type": "bert", "quantization_config": {}})"),
                       "quantization_config = {}; supported are weights in float32"));
  folder.write("config.json", R"({"model_type": "qwen3"})");
  EXPECT_FALSE(nn::read_bert_config(folder.path()).has_value());
  folder.write("config.json", R"({"model_type": "bert", "hidden_size": 16})");
  EXPECT_TRUE(contains(message_of<DataError>([&] { loaded_encoder(folder.path()); }), "sizes"));
  folder.write("config.json", R"({"model_type": "bert", "hidden_size": 24})");
  EXPECT_TRUE(contains(message_of<DataError>([&] { loaded_encoder(folder.path()); }),
                       "'embeddings.word_embeddings.weight' has the shape [30, 12]; config.json "
                       "asks for [30522, 24]"));
}

}  // namespace
}  // namespace tsrec::test
