// Low-rank adaptation against a model that has the products in its weights.
#include "tsrec/nn/lora.hpp"

#include <nlohmann/json.hpp>

#include "support/support.hpp"
#include "support/toy_shape.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/io/safetensors.hpp"
#include "tsrec/nn/adapter_files.hpp"
#include "tsrec/nn/optimizer.hpp"
#include "tsrec/nn/work.hpp"

namespace tsrec::test {
namespace {

constexpr int64_t kKnown = 26;  // tokens of the checkpoint; 4 of its rows belong to none
constexpr int64_t kNew = 7;

nn::LmShape shape_of(bool tied) {
  nn::LmShape shape = toy_shape(/*vocabulary=*/30, /*width=*/12, /*mlp_width=*/10, 0.4);
  shape.head_width = 4;  // queries wider than the stream
  shape.tied = tied;
  shape.family = tied ? "qwen2" : "qwen3";
  shape.qkv_bias = tied;
  shape.qk_norm = !tied;
  return shape;
}

nn::CausalLm plain_model(bool tied, torch::ScalarType precision = torch::kFloat32) {
  nn::CausalLm model(shape_of(tied), precision, torch::kCPU);
  model.init_random(at::detail::createCPUGenerator(3));
  return model;
}

torch::Tensor seeded_randn(at::IntArrayRef sizes, uint64_t seed) {
  return torch::randn(sizes, at::detail::createCPUGenerator(seed));
}

// Adapted, with new rows, and with adapters that change what it computes.
nn::CausalLm adapted_model(bool tied, const nn::Lora& lora,
                           torch::ScalarType precision = torch::kFloat32) {
  nn::CausalLm model = plain_model(tied, precision);
  model.adapt(lora, at::detail::createCPUGenerator(8));
  const torch::Tensor output_ED = tied ? torch::Tensor() : seeded_randn({kNew, 12}, 10);
  model.set_rows(kKnown, seeded_randn({kNew, 12}, 9), output_ED);
  const torch::NoGradGuard no_grad;
  uint64_t seed = 20;
  for (const nn::Parameter& parameter : model.parameters()) {
    if (parameter.name.ends_with("lora_B"))
      parameter.value.copy_(0.5 * seeded_randn(parameter.value.sizes(), seed++));
  }
  return model;
}

std::map<std::string, torch::Tensor> by_name(nn::CausalLm& model) {
  std::map<std::string, torch::Tensor> named;
  for (const nn::Parameter& parameter : model.parameters()) named[parameter.name] = parameter.value;
  return named;
}

// The rows of a joined matrix that were one of its own; first row, number of rows.
std::pair<int64_t, int64_t> rows_of(const std::string& target) {
  const std::map<std::string, std::pair<int64_t, int64_t>> rows = {
      {"q_proj", {0, 16}},    {"k_proj", {16, 8}},   {"v_proj", {24, 8}},   {"o_proj", {0, 12}},
      {"gate_proj", {0, 10}}, {"up_proj", {10, 10}}, {"down_proj", {0, 12}}};
  return rows.at(target);
}
const std::map<std::string, std::vector<std::string>> kJoined = {
    {"self_attn.qkv_proj", {"q_proj", "k_proj", "v_proj"}},
    {"self_attn.o_proj", {"o_proj"}},
    {"mlp.gate_up_proj", {"gate_proj", "up_proj"}},
    {"mlp.down_proj", {"down_proj"}}};

// The thin matrices of one target, and where they and the target stand in what is joined.
struct Pair {
  std::string joined;
  int64_t first, rows;
  torch::Tensor a, b;
  std::string a_name, b_name;
  int64_t first_a, first_b;
};
std::vector<Pair> pairs_of(nn::CausalLm& model, const nn::Lora& lora) {
  const auto named = by_name(model);
  std::vector<Pair> pairs;
  for (int64_t layer = 0; layer < model.shape().layers; ++layer) {
    for (const auto& [joined, parts] : kJoined) {
      const std::string name = c10::str("model.layers.", layer, ".", joined);
      int64_t first_a = 0, first_b = 0;
      for (const std::string& part : parts) {
        if (std::find(lora.targets.begin(), lora.targets.end(), part) == lora.targets.end())
          continue;
        const auto [first, rows] = rows_of(part);
        const torch::Tensor a = named.at(name + ".lora_A").detach(),
                            b = named.at(name + ".lora_B").detach();
        pairs.push_back({name + ".weight", first, rows, a.slice(0, first_a, first_a + lora.rank),
                         b.slice(0, first_b, first_b + rows), name + ".lora_A", name + ".lora_B",
                         first_a, first_b});
        first_a += lora.rank;
        first_b += rows;
      }
    }
  }
  return pairs;
}

// The same function without adapters: W + alpha / rank B A, summed here in double precision.
nn::CausalLm dense_model(nn::CausalLm& adapted, bool tied, const nn::Lora& lora) {
  nn::CausalLm dense = plain_model(tied);
  auto named = by_name(dense);
  const torch::NoGradGuard no_grad;
  for (const Pair& pair : pairs_of(adapted, lora)) {
    torch::Tensor rows = named.at(pair.joined).slice(0, pair.first, pair.first + pair.rows);
    rows.copy_(rows.to(torch::kFloat64) +
               lora.alpha / static_cast<double>(lora.rank) *
                   torch::matmul(pair.b.to(torch::kFloat64), pair.a.to(torch::kFloat64)));
  }
  dense.set_rows(kKnown, seeded_randn({kNew, 12}, 9),
                 tied ? torch::Tensor() : seeded_randn({kNew, 12}, 10));
  return dense;
}

const std::vector<int32_t> kIds = {3, 27, 5, 32, 1, 9, 27, 2, 25, 30};

torch::Tensor loss_of(const nn::LanguageModel& model, bool checkpoint = false) {
  nn::ForwardOptions options;
  options.checkpoint = checkpoint;
  const torch::Tensor hidden_TD = model.hidden(one_row(kIds), options);
  const std::vector<int64_t> labels = {27, 5, 32, 1, 9, 27, 2, 25, 30, 26};
  return -(nn::label_log_prob(model.head(), hidden_TD, torch::tensor(labels), /*chunk_rows=*/4) *
           torch::arange(1, 11))
              .sum();
}

std::map<std::string, torch::Tensor> gradients_of(nn::CausalLm& model, const torch::Tensor& loss) {
  for (nn::Parameter& parameter : model.parameters())
    parameter.value.mutable_grad() = torch::Tensor();
  loss.backward();
  std::map<std::string, torch::Tensor> gradients;
  for (const nn::Parameter& parameter : model.parameters())
    gradients[parameter.name] = parameter.value.grad().to(torch::kFloat64);
  return gradients;
}

void expect_near(const torch::Tensor& got, const torch::Tensor& wanted, const std::string& what) {
  ASSERT_EQ(got.sizes(), wanted.sizes()) << what;
  const double scale = wanted.abs().max().item<double>();
  EXPECT_GT(scale, 1e-6) << what << " is nothing; the test sees nothing";
  EXPECT_LT((got - wanted).abs().max().item<double>(), 1e-5 * scale) << what;
}

std::vector<nn::Lora> some_loras() {
  return {{.rank = 3, .alpha = 7},
          {.rank = 2, .alpha = 2, .targets = {"v_proj", "q_proj", "up_proj"}},
          {.rank = 1, .alpha = 4, .targets = {"down_proj"}}};
}

TEST(Lora, GradientsAreThoseOfTheDenseModelByTheChainRule) {
  for (const bool tied : {true, false}) {
    for (const nn::Lora& lora : some_loras()) {
      nn::CausalLm model = adapted_model(tied, lora);
      nn::CausalLm dense = dense_model(model, tied, lora);
      const torch::Tensor wanted_loss = loss_of(dense);
      const auto of_dense = gradients_of(dense, wanted_loss);
      for (const bool checkpoint : {false, true}) {
        const torch::Tensor loss = loss_of(model, checkpoint);
        EXPECT_NEAR(loss.item<double>() / wanted_loss.item<double>(), 1, 1e-5);
        const auto gradients = gradients_of(model, loss);
        const double scale = lora.alpha / static_cast<double>(lora.rank);
        for (const Pair& pair : pairs_of(model, lora)) {
          // dA = s B^T dW, dB = s dW A^T
          const torch::Tensor dw =
              of_dense.at(pair.joined).slice(0, pair.first, pair.first + pair.rows);
          expect_near(gradients.at(pair.a_name).slice(0, pair.first_a, pair.first_a + lora.rank),
                      scale * torch::matmul(pair.b.to(torch::kFloat64).t(), dw), pair.a_name);
          expect_near(gradients.at(pair.b_name).slice(0, pair.first_b, pair.first_b + pair.rows),
                      scale * torch::matmul(dw, pair.a.to(torch::kFloat64).t()), pair.b_name);
        }
        expect_near(gradients.at("model.embed_tokens.new_rows"),
                    of_dense.at("model.embed_tokens.weight").slice(0, kKnown), "new rows");
        if (tied) continue;
        expect_near(gradients.at("lm_head.new_rows"),
                    of_dense.at("lm_head.weight").slice(0, kKnown), "new rows of the head");
      }
    }
  }
}

TEST(Lora, OnlyAdaptersAndNewRowsLearn) {
  const nn::Lora lora{.rank = 3};
  nn::CausalLm model = adapted_model(/*tied=*/true, lora);
  const TempFolder before, after;
  model.save(before.path());
  nn::FlatParameters parameters(model.parameters());
  nn::AdamW optimizer(parameters, {.weight_decay = 0.1});
  int64_t learning = kNew * 12;
  for (const Pair& pair : pairs_of(model, lora)) learning += pair.a.numel() + pair.b.numel();
  EXPECT_EQ(parameters.value().numel(), learning);
  for (int64_t step = 0; step < 3; ++step) {
    parameters.zero_gradient();
    loss_of(model).backward();
    optimizer.step(0.1);
  }
  model.save(after.path());
  const auto old = io::read_safetensors(before.path() / "model.safetensors"),
             now = io::read_safetensors(after.path() / "model.safetensors");
  ASSERT_EQ(old.size(), now.size());
  for (const auto& [name, value] : old) {
    const bool is_vocabulary = name == "model.embed_tokens.weight";
    const int64_t frozen = is_vocabulary ? kKnown : value.size(0);
    EXPECT_TRUE(torch::equal(value.slice(0, 0, frozen), now.at(name).slice(0, 0, frozen))) << name;
    if (is_vocabulary) {
      EXPECT_EQ(value.size(0), kKnown + kNew) << "rows of no token are dropped";
      EXPECT_FALSE(torch::equal(value.slice(0, kKnown), now.at(name).slice(0, kKnown)));
    }
  }
  const auto old_thin = io::read_safetensors(before.path() / "adapters.safetensors"),
             new_thin = io::read_safetensors(after.path() / "adapters.safetensors");
  ASSERT_EQ(old_thin.size(), 2u * 2 * 7);
  for (const auto& [name, value] : old_thin) EXPECT_FALSE(torch::equal(value, new_thin.at(name)));
}

TEST(Lora, BeginsAsTheModelThatItAdapts) {
  for (const bool tied : {true, false}) {
    nn::CausalLm plain = plain_model(tied), model = plain_model(tied);
    model.adapt({.rank = 2}, at::detail::createCPUGenerator(1));
    const torch::NoGradGuard no_grad;
    const nn::PackedBatch row = one_row({3, 4, 5, 25});
    EXPECT_TRUE(torch::equal(model.hidden(row, {}), plain.hidden(row, {})));
    for (const nn::Parameter& parameter : model.parameters()) {
      if (!parameter.name.ends_with("lora_A")) continue;
      const double bound = 1 / std::sqrt(static_cast<double>(parameter.value.size(1)));
      EXPECT_LE(parameter.value.abs().max().item<double>(), bound);
      EXPECT_NEAR(parameter.value.square().mean().item<double>(), bound * bound / 3, bound * bound)
          << parameter.name;
    }
  }
}

// Rows of tokens that the checkpoint knows already.
TEST(Lora, KnownRowsLearnWhereTheyAreTheLast) {
  for (const bool tied : {true, false}) {
    nn::CausalLm plain = plain_model(tied), model = plain_model(tied);
    model.adapt({.rank = 2}, at::detail::createCPUGenerator(1));
    model.learn_rows(/*first_id=*/20, /*end=*/kKnown);
    EXPECT_EQ(model.head().num_rows(), kKnown);
    const auto rows_ED = [&] { return by_name(model).at("model.embed_tokens.new_rows"); };
    EXPECT_TRUE(torch::equal(rows_ED(), plain.embedding().slice(0, 20, kKnown)));
    const nn::PackedBatch row = one_row({3, 22, 20, 25});
    {
      const torch::NoGradGuard no_grad;
      EXPECT_TRUE(torch::equal(model.hidden(row, {}), plain.hidden(row, {})));
    }
    model.set_rows(kKnown, seeded_randn({kNew, 12}, 9),
                   tied ? torch::Tensor() : seeded_randn({kNew, 12}, 10));
    EXPECT_TRUE(torch::equal(rows_ED(), torch::cat({plain.embedding().slice(0, 20, kKnown),
                                                    seeded_randn({kNew, 12}, 9)})));
    EXPECT_EQ(model.head().num_rows(), kKnown + kNew);
  }
}

// Without rows that learn the first block's input has no gradient.
TEST(Lora, LearnsWithoutNewRowsAndUnderCheckpointing) {
  nn::CausalLm model = plain_model(/*tied=*/true);
  model.adapt({.rank = 2}, at::detail::createCPUGenerator(1));
  const auto loss = [&](bool checkpoint) {
    nn::ForwardOptions options;
    options.checkpoint = checkpoint;
    const torch::Tensor h = model.hidden(one_row({3, 4, 5, 25}), options);
    return nn::label_log_prob(model.head(), h, torch::tensor({4, 5, 25, 1}, torch::kInt64)).sum();
  };
  const auto plain = gradients_of(model, loss(false)), again = gradients_of(model, loss(true));
  for (const auto& [name, gradient] : plain) {
    if (name.ends_with("lora_A")) continue;  // B is 0
    expect_near(again.at(name), gradient, name);
  }
}

TEST(Lora, MergedPackedAndLoadedItIsTheSameFunction) {
  for (const bool tied : {true, false}) {
    for (const nn::Lora& lora : some_loras()) {
      nn::CausalLm model = adapted_model(tied, lora);
      const TempFolder folder;
      std::filesystem::create_directories(folder.path() / "model");
      nn::write_hf_config(model.shape(), 2, folder.path() / "model");
      model.save(folder.path() / "model");
      nn::CausalLm loaded(nn::read_hf_config(folder.path() / "model"), torch::kFloat32,
                          torch::kCPU);
      loaded.load(folder.path() / "model");
      ASSERT_TRUE(loaded.lora().has_value());
      EXPECT_EQ(loaded.lora()->targets, lora.targets);
      const auto left = model.parameters(), right = loaded.parameters();
      ASSERT_EQ(left.size(), right.size());
      for (size_t i = 0; i < left.size(); ++i) {
        EXPECT_EQ(left[i].name, right[i].name);
        EXPECT_TRUE(torch::equal(left[i].value, right[i].value)) << left[i].name;
      }
      nn::write_merged(folder.path() / "model", folder.path() / "merged");
      EXPECT_FALSE(nn::has_adapters(folder.path() / "merged"));
      nn::CausalLm merged(nn::read_hf_config(folder.path() / "merged"), torch::kFloat32,
                          torch::kCPU);
      merged.load(folder.path() / "merged");
      nn::CausalLm copy = model.copy();

      const torch::NoGradGuard no_grad;
      const auto log_probs = [&](const nn::CausalLm& of) {
        return torch::log_softmax(
            torch::matmul(of.hidden(one_row(kIds), {}), of.head().whole().t()), 1);
      };
      const torch::Tensor wanted = log_probs(model);
      EXPECT_TRUE(torch::equal(log_probs(loaded), wanted));
      EXPECT_TRUE(torch::equal(log_probs(copy), wanted));
      EXPECT_LT((log_probs(merged) - wanted).abs().max().item<double>(), 2e-5);
      EXPECT_EQ(merged.head().num_rows(), kKnown + kNew);
      model.pack_weights();
      EXPECT_LT((log_probs(model) - wanted).abs().max().item<double>(), 2e-5);
      model.merge_adapters();
      EXPECT_TRUE(torch::equal(log_probs(model), log_probs(merged)));
      EXPECT_EQ(model.parameters().size(), plain_model(tied).parameters().size());
    }
  }
}

TEST(Lora, ACopySharesWhatIsFrozenAndNothingElse) {
  nn::CausalLm model = adapted_model(/*tied=*/false, {.rank = 2});
  nn::CausalLm copy = model.copy();
  EXPECT_EQ(copy.head().weight_VD.data_ptr(), model.head().weight_VD.data_ptr());
  EXPECT_FALSE(copy.head().weight_VD.requires_grad());
  const auto left = model.parameters(), right = copy.parameters();
  ASSERT_EQ(left.size(), right.size());
  for (size_t i = 0; i < left.size(); ++i) {
    EXPECT_NE(left[i].value.data_ptr(), right[i].value.data_ptr());
    EXPECT_TRUE(torch::equal(left[i].value, right[i].value));
  }
}

// A head in two pieces gives what a whole one gives.
TEST(Lora, AHeadInTwoPiecesIsTheWholeOne) {
  const torch::Tensor weight_VD = seeded_randn({1500, 8}, 1), new_ED = seeded_randn({1100, 8}, 2);
  const nn::Head pieces{weight_VD, new_ED}, whole{torch::cat({weight_VD, new_ED})};
  ASSERT_EQ(pieces.num_rows(), whole.num_rows());
  const torch::Tensor h_RD = seeded_randn({9, 8}, 3);
  const auto difference = [](const torch::Tensor& a, const torch::Tensor& b) {
    EXPECT_EQ(a.sizes(), b.sizes());
    return (a - b).abs().max().item<double>();
  };
  for (const RowRange rows : {RowRange{0, 1500}, RowRange{1400, 300}, RowRange{1499, 2},
                              RowRange{1500, 10}, RowRange{2590, 10}, RowRange{0, 2600}})
    EXPECT_LT(difference(nn::logits(pieces, h_RD, rows), nn::logits(whole, h_RD, rows)), 1e-5);
  EXPECT_LT(difference(nn::log_normalizer(pieces, h_RD), nn::log_normalizer(whole, h_RD)), 1e-5);
  for (const torch::ScalarType type : {torch::kFloat32, torch::kFloat64}) {  // kernel, and none
    const torch::Tensor label_R =
        torch::tensor({0, 1499, 1500, 2599, 7, 1023, 1024, 2047, 2400}, torch::kInt64);
    const auto run = [&](bool in_pieces) {
      const torch::Tensor h = h_RD.to(type).detach().clone().requires_grad_();
      const torch::Tensor rows = new_ED.to(type).detach().clone().requires_grad_();
      const torch::Tensor known = weight_VD.to(type);
      const nn::Head head = in_pieces ? nn::Head{known, rows} : nn::Head{torch::cat({known, rows})};
      const torch::Tensor log_prob_R = nn::label_log_prob(head, h, label_R, /*chunk_rows=*/4);
      (log_prob_R * torch::arange(1, 10)).sum().backward();
      return std::vector{log_prob_R.detach(), h.grad(), rows.grad()};
    };
    const auto got = run(true), wanted = run(false);
    for (size_t i = 0; i < got.size(); ++i) EXPECT_LT(difference(got[i], wanted[i]), 2e-5) << i;
  }
}

TEST(Lora, InBfloat16ItComputesTheSameUpToItsPrecision) {
  const nn::Lora lora{.rank = 3, .alpha = 6};
  nn::CausalLm model = adapted_model(/*tied=*/true, lora, torch::kBFloat16);
  nn::CausalLm wide = adapted_model(/*tied=*/true, lora);
  {
    const torch::NoGradGuard no_grad;
    const auto from = model.parameters(), to = wide.parameters();
    for (size_t i = 0; i < from.size(); ++i) to[i].value.copy_(from[i].value);
  }
  const torch::Tensor loss = loss_of(model), wanted = loss_of(wide);
  EXPECT_NEAR(loss.item<double>() / wanted.item<double>(), 1, 0.03);
  const auto got = gradients_of(model, loss), expected = gradients_of(wide, wanted);
  double error = 0, size = 0;
  for (const auto& [name, gradient] : expected) {
    error += (got.at(name) - gradient).square().sum().item<double>();
    size += gradient.square().sum().item<double>();
  }
  EXPECT_LT(std::sqrt(error / size), 0.05);
}

// What the adapters read is dropped in forwards with a generator, and only there.
TEST(Lora, DropoutScalesAndDropsWhatTheAdaptersRead) {
  const nn::Lora lora{.rank = 2, .alpha = 2, .targets = {"down_proj"}, .dropout = 0.5};
  nn::CausalLm model = adapted_model(/*tied=*/true, lora);
  nn::CausalLm without = adapted_model(
      /*tied=*/true, {.rank = 2, .alpha = 2, .targets = {"down_proj"}});
  const nn::PackedBatch row = one_row(kIds);
  nn::ForwardOptions options;
  EXPECT_TRUE(torch::equal(model.hidden(row, options), without.hidden(row, options)));
  options.generator = at::detail::createCPUGenerator(5);
  const torch::Tensor dropped = model.hidden(row, options);
  EXPECT_FALSE(torch::equal(dropped, without.hidden(row, {})));
  options.generator = at::detail::createCPUGenerator(5);
  EXPECT_TRUE(torch::equal(dropped, model.hidden(row, options)));
  options.generator = at::detail::createCPUGenerator(5);
  options.checkpoint = true;
  const auto again = gradients_of(model, model.hidden(row, options).sum());
  options.generator = at::detail::createCPUGenerator(5);
  options.checkpoint = false;
  for (const auto& [name, gradient] : gradients_of(model, model.hidden(row, options).sum()))
    EXPECT_LT((again.at(name) - gradient).abs().max().item<double>(), 1e-5) << name;
}

TEST(Lora, CountsNoGradientsOfFrozenWeights) {
  nn::CausalLm model = adapted_model(/*tied=*/true, {.rank = 2});
  const nn::CausalLm plain = plain_model(/*tied=*/true);
  EXPECT_EQ(plain.backward_flops_per_token(), 2 * plain.flops_per_token());
  EXPECT_EQ(model.backward_flops_per_token(), model.flops_per_token());
  TestContext frozen, learning;
  nn::count_work(model, /*tokens=*/10, /*rows=*/0, /*columns=*/0, frozen);
  nn::count_work(plain, /*tokens=*/10, /*rows=*/0, /*columns=*/0, learning);
  EXPECT_EQ(frozen.counters["flops"] * 3, learning.counters["flops"] * 2);
}

TEST(Lora, RefusesWhatItCannotDo) {
  nn::CausalLm model = plain_model(/*tied=*/true);
  const auto refusal = [&](const nn::Lora& lora) {
    return message_of<ConfigError>([&] { model.adapt(lora, at::detail::createCPUGenerator(1)); });
  };
  const std::string message = refusal({.rank = 2, .targets = {"q_proj", "w_proj"}});
  EXPECT_TRUE(contains(message, "'w_proj'") && contains(message, "gate_proj")) << message;
  EXPECT_TRUE(contains(refusal({.rank = 0}), "rank of at least 1"));
  model.adapt({.rank = 2}, at::detail::createCPUGenerator(1));
  EXPECT_TRUE(contains(
      message_of<Error>([&] { model.adapt({.rank = 2}, at::detail::createCPUGenerator(1)); }),
      "already"));
  const TempFolder folder;
  plain_model(true).save(folder.path());
  EXPECT_TRUE(contains(
      message_of<DataError>([&] { nn::write_peft(folder.path(), "x", folder.path() / "out"); }),
      "has no adapters"));
}

// Names and shapes as `peft` 0.21 writes them itself for such a model; it was tried by loading.
TEST(Lora, ThePeftFolderHasItsLayout) {
  for (const bool tied : {true, false}) {
    const nn::Lora lora{.rank = 3, .alpha = 6, .targets = {"k_proj", "down_proj"}, .dropout = 0.1};
    nn::CausalLm model = adapted_model(tied, lora);
    const TempFolder folder;
    std::filesystem::create_directories(folder.path() / "model");
    model.save(folder.path() / "model");
    io::write_text(folder.path() / "model" / "tokenizer.json", "{}");
    nn::write_peft(folder.path() / "model", "org/base", folder.path() / "peft");
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "peft"))
      files.push_back(entry.path().filename().string());
    std::sort(files.begin(), files.end());
    EXPECT_EQ(files, (std::vector<std::string>{"adapter_config.json", "adapter_model.safetensors",
                                               "tokenizer.json"}));
    const auto config =
        nlohmann::json::parse(io::read_text(folder.path() / "peft" / "adapter_config.json"));
    EXPECT_EQ(config.at("peft_type"), "LORA");
    EXPECT_EQ(config.at("base_model_name_or_path"), "org/base");
    EXPECT_EQ(config.at("r"), 3);
    EXPECT_EQ(config.at("lora_alpha"), 6);
    EXPECT_EQ(config.at("target_modules"), nlohmann::json({"k_proj", "down_proj"}));
    const nlohmann::json ids = {26, 27, 28, 29, 30, 31, 32};
    nlohmann::json rows = {{"embed_tokens", ids}};
    if (!tied) rows["lm_head"] = ids;
    EXPECT_EQ(config.at("trainable_token_indices"), rows);

    const auto stored = io::read_safetensors(folder.path() / "peft" / "adapter_model.safetensors");
    EXPECT_EQ(stored.size(), 2u * 2 * 2 + (tied ? 1 : 2));
    const auto named = by_name(model);
    const std::string rest = "base_model.model.model.";
    EXPECT_TRUE(torch::equal(stored.at(rest + "embed_tokens.token_adapter.trainable_tokens_delta"),
                             named.at("model.embed_tokens.new_rows")));
    if (!tied) {
      EXPECT_TRUE(
          torch::equal(stored.at("base_model.model.lm_head.token_adapter.trainable_tokens_delta"),
                       named.at("lm_head.new_rows")));
    }
    for (const Pair& pair : pairs_of(model, lora)) {
      const bool is_key = contains(pair.joined, "qkv");
      const std::string name = rest + pair.joined.substr(6, 9) +
                               (is_key ? "self_attn.k_proj" : "mlp.down_proj") + ".lora_";
      EXPECT_TRUE(torch::equal(stored.at(name + "A.weight"), pair.a)) << name;
      EXPECT_TRUE(torch::equal(stored.at(name + "B.weight"), pair.b)) << name;
    }
  }
}

}  // namespace
}  // namespace tsrec::test
