// A whole model, trained and decoded with the products of one library or the other: large enough
// that oneDNN is called.
#include "support/products.hpp"

#include "support/support.hpp"
#include "support/toy_shape.hpp"
#include "tsrec/cluster/kmeans.hpp"
#include "tsrec/decode/decoder.hpp"
#include "tsrec/nn/causal_lm.hpp"
#include "tsrec/nn/label_log_probs.hpp"

namespace tsrec::test {
namespace {

constexpr int64_t kWords = 400;

nn::CausalLm model_of(torch::ScalarType precision) {
  nn::CausalLm model(toy_shape(kWords + 3 * 16, /*width=*/160, /*mlp_width=*/320, 0.15), precision,
                     torch::kCPU);
  model.init_random(at::detail::createCPUGenerator(41));
  return model;
}

std::vector<std::vector<int32_t>> prompts_of(int64_t count) {
  std::vector<std::vector<int32_t>> prompts;
  for (int64_t i = 0; i < count; ++i) {
    const torch::Tensor ids =
        torch::randint(kWords, {9 + i % 4},
                       at::detail::createCPUGenerator(static_cast<uint64_t>(i)), torch::kInt32);
    prompts.emplace_back(ids.const_data_ptr<int32_t>(),
                         ids.const_data_ptr<int32_t>() + ids.numel());
  }
  return prompts;
}

struct LossAndGradients {
  double loss = 0;
  std::vector<torch::Tensor> gradients;
};

LossAndGradients trained(nn::CausalLm& model) {
  const std::vector<std::vector<int32_t>> prompts = prompts_of(24);
  const std::vector<int32_t> target = {kWords + 3, kWords + 16 + 5, kWords + 32 + 7};
  std::vector<nn::TokenRow> rows;
  for (const std::vector<int32_t>& prompt : prompts) rows.push_back({prompt, target});
  const nn::PackedBatch batch = nn::pack(rows, {}).front();
  std::vector<torch::Tensor> leaves;
  for (const nn::Parameter& parameter : model.parameters()) leaves.push_back(parameter.value);
  TestContext context;
  const torch::Tensor loss = -nn::label_log_probs(model, batch, {}, context).mean();
  return {loss.item<double>(), torch::autograd::grad({loss}, leaves)};
}

// In bfloat16 both are LibTorch's own choice, and nothing differs.
TEST(Products, LossAndGradientsOfAModelAreThoseOfTheOtherLibrary) {
  if (!has_onednn()) GTEST_SKIP() << "this LibTorch was built without oneDNN";
  for (const torch::ScalarType precision : {torch::kFloat32, torch::kBFloat16}) {
    if (!can_pack(precision)) continue;  // emulated, hundreds of times slower
    nn::CausalLm model = model_of(precision);
    const auto by = [&](ProductLibrary library) {
      const ProductsBy using_it(library);
      return trained(model);
    };
    const LossAndGradients mkl = by(ProductLibrary::mkl), onednn = by(ProductLibrary::onednn);
    EXPECT_NEAR(onednn.loss / mkl.loss, 1, 1e-5);
    for (size_t i = 0; i < mkl.gradients.size(); ++i) {
      const torch::Tensor difference = (onednn.gradients[i] - mkl.gradients[i]).abs();
      EXPECT_LE(difference.max().item<double>(), 1e-4 * mkl.gradients[i].abs().max().item<double>())
          << i;
    }
  }
}

TEST(Products, ListsOfAModelAreThoseOfTheOtherLibrary) {
  if (!has_onednn()) GTEST_SKIP() << "this LibTorch was built without oneDNN";
  const nn::CausalLm model = model_of(torch::kFloat32);
  SidTable sids;
  sids.sizes = {16, 16, 16};
  sids.code_NL = torch::randint(16, {300, 3}, at::detail::createCPUGenerator(7), torch::kInt64);
  const Vocabulary vocabulary(sids, kWords);
  const Trie trie = Trie::build(sids, vocabulary);
  const std::vector<std::vector<int32_t>> prompts = prompts_of(20);
  for (const decode::Scoring scoring : {decode::Scoring::full, decode::Scoring::legal}) {
    decode::DecodeOptions options;
    options.scoring = scoring;
    options.beams = 20;
    const decode::Decoder decoder(model, trie, options);
    const auto by = [&](ProductLibrary library) {
      const ProductsBy using_it(library);
      const torch::NoGradGuard no_grad;
      TestContext context;
      return decoder.roll_out(decoder.prefill(prompts, context), std::nullopt, context);
    };
    const Rollouts mkl = by(ProductLibrary::mkl), onednn = by(ProductLibrary::onednn);
    EXPECT_LT((mkl.log_prob_BG - onednn.log_prob_BG).abs().max().item<double>(), 1e-4);
    // The same lists, but for neighbours whose scores are one within rounding.
    for (size_t b = 0; b < prompts.size(); ++b) {
      for (size_t g = 0; g < mkl.token_BG[b].size(); ++g) {
        if (mkl.token_BG[b][g] == onednn.token_BG[b][g]) continue;
        const auto score = [&](const Rollouts& of, size_t place) {
          return of.log_prob_BG[static_cast<int64_t>(b)][static_cast<int64_t>(place)]
              .item<double>();
        };
        const auto found =
            std::find(onednn.token_BG[b].begin(), onednn.token_BG[b].end(), mkl.token_BG[b][g]);
        ASSERT_NE(found, onednn.token_BG[b].end()) << "prompt " << b << " place " << g;
        EXPECT_NEAR(score(mkl, g),
                    score(onednn, static_cast<size_t>(found - onednn.token_BG[b].begin())), 1e-4);
      }
    }
  }
}

// The centres of well separated clouds, and every vector's label.
TEST(Products, KMeansIsThatOfTheOtherLibrary) {
  if (!has_onednn()) GTEST_SKIP() << "this LibTorch was built without oneDNN";
  const auto generator = at::detail::createCPUGenerator(3);
  const torch::Tensor middle_KD = 10 * torch::randn({32, 100}, generator);
  const torch::Tensor x_ND = middle_KD.index_select(0, torch::arange(3000).remainder(32)) +
                             torch::randn({3000, 100}, generator);
  const auto by = [&](ProductLibrary library) {
    const ProductsBy using_it(library);
    return cluster::kmeans(x_ND, {.clusters = 32, .iterations = 20, .restarts = 1},
                           at::detail::createCPUGenerator(5));
  };
  const cluster::KMeans mkl = by(ProductLibrary::mkl), onednn = by(ProductLibrary::onednn);
  EXPECT_TRUE(torch::equal(mkl.label_N, onednn.label_N));
  EXPECT_LT((mkl.center_KD - onednn.center_KD).abs().max().item<double>(), 1e-4);
}

}  // namespace
}  // namespace tsrec::test
