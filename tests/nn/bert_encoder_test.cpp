// Encoders of texts: the states of transformers, the formula in double precision, and what is
// refused. The goldens come from tests/golden/make_encoders.py.
#include "tsrec/nn/bert_encoder.hpp"

#include <nlohmann/json.hpp>

#include "nn/encoder_kernel.hpp"
#include "nn/panel_weight.hpp"
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

struct BertSizes {
  int64_t width = 12, heads = 3, inner = 20;
};

// A random BERT on disk, and its formula in double precision, one row at a time.
class RandomBert {
 public:
  // old: as the first checkpoints were written, below a head and with other names for norms.
  RandomBert(const fs::path& folder, bool old, const BertSizes& size = {})
      : width_(size.width), heads_(size.heads), inner_(size.inner) {
    io::write_text(folder / "config.json", nlohmann::json{{"model_type", "bert"},
                                                          {"vocab_size", kVocabulary},
                                                          {"hidden_size", width_},
                                                          {"num_hidden_layers", kLayers},
                                                          {"num_attention_heads", heads_},
                                                          {"intermediate_size", inner_},
                                                          {"max_position_embeddings", kPositions},
                                                          {"layer_norm_eps", 1e-12}}
                                               .dump());
    io::NamedTensors stored;
    const auto add = [&](const std::string& name, at::IntArrayRef sizes, double scale) {
      const torch::Tensor weight = (scale * torch::randn(sizes)).to(torch::kFloat32);
      exact_[name] = weight.to(torch::kFloat64);
      std::string written = (old ? "bert." : "") + name;
      if (old && name.find("LayerNorm.") != std::string::npos) {
        const size_t at = written.rfind('.');
        written = written.substr(0, at) + (written.ends_with("weight") ? ".gamma" : ".beta");
      }
      stored.emplace_back(written, weight);
    };
    const auto linear = [&](const std::string& name, int64_t out, int64_t in) {
      add(name + ".weight", {out, in}, 1.4 / std::sqrt(static_cast<double>(in)));
      add(name + ".bias", {out}, 0.2);
    };
    const auto norm = [&](const std::string& name) {
      add(name + ".weight", {width_}, 1);
      add(name + ".bias", {width_}, 0.3);
    };
    add("embeddings.word_embeddings.weight", {kVocabulary, width_}, 1);
    add("embeddings.position_embeddings.weight", {kPositions, width_}, 1);
    add("embeddings.token_type_embeddings.weight", {2, width_}, 1);
    norm("embeddings.LayerNorm");
    for (int64_t i = 0; i < kLayers; ++i) {
      const std::string p = c10::str("encoder.layer.", i, ".");
      for (const char* name : {"query", "key", "value"})
        linear(p + "attention.self." + name, width_, width_);
      linear(p + "attention.output.dense", width_, width_);
      norm(p + "attention.output.LayerNorm");
      linear(p + "intermediate.dense", inner_, width_);
      linear(p + "output.dense", width_, inner_);
      norm(p + "output.LayerNorm");
    }
    io::write_safetensors(folder / "model.safetensors", stored);
  }

  torch::Tensor formula(const std::vector<int32_t>& row) const {
    const auto length = static_cast<int64_t>(row.size());
    torch::Tensor x = at("embeddings.word_embeddings.weight").index_select(0, torch::tensor(row)) +
                      at("embeddings.position_embeddings.weight").slice(0, 0, length) +
                      at("embeddings.token_type_embeddings.weight")[0];
    x = normed(x, "embeddings.LayerNorm");
    for (int64_t i = 0; i < kLayers; ++i) {
      const std::string p = c10::str("encoder.layer.", i, ".");
      const torch::Tensor q = linear(x, p + "attention.self.query"),
                          k = linear(x, p + "attention.self.key"),
                          v = linear(x, p + "attention.self.value");
      const int64_t d = width_ / heads_;
      std::vector<torch::Tensor> heads;
      for (int64_t h = 0; h < heads_; ++h) {
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

  static constexpr int64_t kVocabulary = 30, kLayers = 3, kPositions = 300;

 private:
  const torch::Tensor& at(const std::string& name) const { return exact_.at(name); }
  torch::Tensor linear(const torch::Tensor& x, const std::string& name) const {
    return torch::matmul(x, at(name + ".weight").t()) + at(name + ".bias");
  }
  torch::Tensor normed(const torch::Tensor& x, const std::string& name) const {
    const torch::Tensor centred = x - x.mean(1, /*keepdim=*/true);
    return centred / (centred.square().mean(1, /*keepdim=*/true) + 1e-12).sqrt() *
               at(name + ".weight") +
           at(name + ".bias");
  }

  int64_t width_, heads_, inner_;
  std::map<std::string, torch::Tensor> exact_;
};

std::vector<int32_t> random_row(int64_t length) {
  const torch::Tensor ids = torch::randint(RandomBert::kVocabulary, {length}, torch::kInt32);
  return {ids.const_data_ptr<int32_t>(), ids.const_data_ptr<int32_t>() + length};
}

std::vector<std::vector<int32_t>> random_rows(const std::vector<int64_t>& lengths) {
  std::vector<std::vector<int32_t>> rows;
  for (const int64_t length : lengths) rows.push_back(random_row(length));
  return rows;
}

TEST(BertEncoder, EveryTextIsReadByItselfAndAsTheFormulaSays) {
  for (const bool old : {false, true}) {
    const TempFolder folder;
    const RandomBert random(folder.path(), old);
    const nn::BertEncoder encoder = loaded_encoder(folder.path());
    const auto rows = random_rows({1, 3, 3, 7, 3, 40, 12, 12, 12});
    std::vector<torch::Tensor> wanted;
    for (const std::vector<int32_t>& row : rows) wanted.push_back(random.formula(row));
    EXPECT_LT(farthest(encoder.hidden(batch_of(rows)), torch::cat(wanted)), 1e-4);
    const BertSizes sizes;
    EXPECT_EQ(encoder.flops_per_token(), 2.0 * RandomBert::kLayers *
                                             static_cast<double>(4 * sizes.width * sizes.width +
                                                                 2 * sizes.width * sizes.inner));
  }
}

// Sizes at which products and attention have whole tiles, edges, and several blocks of rows; and
// more tokens than are computed at once.
TEST(BertEncoder, SizesBeyondOneTileAndOneRun) {
  for (const BertSizes& sizes : {BertSizes{48, 3, 144}, BertSizes{130, 2, 3000}}) {
    const TempFolder folder;
    const RandomBert random(folder.path(), /*old=*/false, sizes);
    const nn::BertEncoder encoder = loaded_encoder(folder.path());
    const auto rows = random_rows({2, 15, 16, 17, 17, 65, 129, 257, 300, 300});
    const torch::Tensor state_TD = encoder.hidden(batch_of(rows));
    const bool is_independent = nn::PanelWeight::pays_off(torch::kFloat32, torch::kCPU);
    int64_t begin = 0;
    for (const std::vector<int32_t>& row : rows) {
      const int64_t end = begin + static_cast<int64_t>(row.size());
      const torch::Tensor own_TD = state_TD.slice(0, begin, end);
      EXPECT_LT(farthest(own_TD, random.formula(row)), 1e-4) << sizes.width << ", " << row.size();
      // Our own product takes every sum in one order; a library may choose by the number of rows.
      const double apart = farthest(own_TD, encoder.hidden(batch_of({row})));
      EXPECT_LE(apart, is_independent ? 0 : 1e-5) << sizes.width << ", " << row.size();
      begin = end;
    }
  }
}

// erf in double precision.
double exact_gelu(double x) { return x * std::erfc(-x / std::sqrt(2.0)) / 2; }

TEST(EncoderKernel, GeluIsThatOfTheErrorFunction) {
  const torch::Tensor wanted_N = torch::arange(-12, 12, 1e-4, torch::kFloat64);
  torch::Tensor x_N = wanted_N.to(torch::kFloat32);
  const torch::Tensor before_N = x_N.clone();
  nn::gelu(x_N.mutable_data_ptr<float>(), x_N.size(0));
  double worst = 0;
  for (int64_t i = 0; i < x_N.size(0); ++i) {
    const double x = before_N.const_data_ptr<float>()[i];
    const double error = std::abs(x_N.const_data_ptr<float>()[i] - exact_gelu(x));
    worst = std::max(worst, error / std::max(1.0, std::abs(x)));
  }
  EXPECT_LT(worst, 3e-7);
  float odd[] = {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()};
  nn::gelu(odd, 2);
  EXPECT_EQ(odd[0], std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(odd[1]));
}

TEST(EncoderKernel, NormOfASum) {
  for (const int64_t width : {1, 5, 16, 40, 384}) {
    const torch::Tensor x_TD = 3 + torch::randn({7, width}), branch_TD = torch::randn({7, width}),
                        scale_D = torch::randn({width}), shift_D = torch::randn({width});
    const auto exact = [](const torch::Tensor& t) { return t.to(torch::kFloat64); };
    const torch::Tensor sum_TD = exact(x_TD) + exact(branch_TD);
    const torch::Tensor centred_TD = sum_TD - sum_TD.mean(1, /*keepdim=*/true);
    const torch::Tensor variance_T = centred_TD.square().mean(1, /*keepdim=*/true);
    const torch::Tensor wanted_TD =
        centred_TD / (variance_T + 1e-5).sqrt() * exact(scale_D) + exact(shift_D);
    torch::Tensor y_TD = x_TD.clone();
    nn::norm_of_sum(y_TD.mutable_data_ptr<float>(), branch_TD.const_data_ptr<float>(),
                    scale_D.const_data_ptr<float>(), shift_D.const_data_ptr<float>(), 7, width,
                    1e-5f);
    EXPECT_LT(farthest(y_TD, wanted_TD), 2e-5) << width;
  }
}

TEST(BertEncoder, WhatItCannotReadIsRefused) {
  const TempFolder folder;
  const RandomBert random(folder.path(), /*old=*/false);
  const nn::BertEncoder encoder = loaded_encoder(folder.path());
  EXPECT_TRUE(contains(message_of<Error>([&] { encoder.hidden(one_row(random_row(301))); }),
                       "a text of 301 tokens is longer than the 300 positions"));
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
