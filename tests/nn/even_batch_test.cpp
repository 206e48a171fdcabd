// Tokens of nobody behind a batch change nothing that anybody reads.
#include "nn/even_batch.hpp"

#include <random>

#include "support/products.hpp"
#include "support/support.hpp"
#include "tsrec/nn/causal_lm.hpp"

namespace tsrec::test {
namespace {

// Rows of ten tokens whose prompts are all different.
std::vector<std::vector<int32_t>> random_rows(int64_t count) {
  std::mt19937 random(std::random_device{}());
  std::vector<std::vector<int32_t>> rows(static_cast<size_t>(count));
  for (size_t r = 0; r < rows.size(); ++r) {
    rows[r].push_back(static_cast<int32_t>(r));
    while (rows[r].size() < 10) rows[r].push_back(static_cast<int32_t>(random() % 300));
  }
  return rows;
}

nn::PackedBatch batch_of(std::span<const std::vector<int32_t>> rows) {
  return nn::pack_prompts(rows, /*share_prefix=*/false).batch;
}

nn::CausalLm random_model() {
  nn::LmShape shape;
  shape.vocabulary = 300;
  shape.width = 96;
  shape.layers = 2;
  shape.heads = 4;
  shape.kv_heads = 2;
  shape.head_width = 24;
  shape.mlp_width = 160;
  shape.tied = true;
  nn::CausalLm model(shape, torch::kFloat32, torch::kCPU);
  model.init_random(at::detail::createCPUGenerator(std::random_device{}()));
  return model;
}

double error(const torch::Tensor& got, const torch::Tensor& wanted) {
  return (got - wanted).norm().item<double>() / wanted.norm().item<double>();
}

TEST(EvenBatch, HasAMultipleOf32TokensWhereOneDnnMultiplies) {
  if (!has_onednn()) GTEST_SKIP() << "this LibTorch has no oneDNN";
  const auto rows = random_rows(20);
  const nn::PackedBatch batch = batch_of(rows);  // of 200 tokens
  {
    const ProductsBy onednn(ProductLibrary::onednn);
    const nn::PackedBatch even = nn::even_batch(batch, torch::kFloat32);
    ASSERT_EQ(even.num_tokens(), 224);
    EXPECT_EQ(even.position_T.size(0), 224);
    EXPECT_TRUE(torch::equal(even.token_T.slice(0, 0, 200), batch.token_T));
    ASSERT_EQ(even.segments.size(), 21u);
    EXPECT_EQ(even.segments.back().begin, 200);
    EXPECT_EQ(even.segments.back().length, 24);
    EXPECT_EQ(even.segments.back().parent, -1);
    const nn::PackedBatch few = batch_of(std::span(rows).first(12));
    EXPECT_EQ(nn::even_batch(few, torch::kFloat32).num_tokens(), 120) << "31 more are a quarter";
  }
  const ProductsBy mkl(ProductLibrary::mkl);
  EXPECT_EQ(nn::even_batch(batch, torch::kFloat32).num_tokens(), 200);
}

// The same rows in batches that are too small for it.
TEST(EvenBatch, StatesAndGradientsAreThoseOfTheRowsAlone) {
  if (!has_onednn()) GTEST_SKIP() << "this LibTorch has no oneDNN";
  const ProductsBy onednn(ProductLibrary::onednn);
  const auto rows = random_rows(21);
  nn::CausalLm model = random_model();
  for (const bool checkpoint : {false, true}) {
    nn::ForwardOptions options;
    options.checkpoint = checkpoint;
    const auto gradients_of = [&](int64_t rows_at_once, std::vector<torch::Tensor>& hidden) {
      for (const nn::Parameter& parameter : model.parameters())
        parameter.value.mutable_grad() = torch::Tensor();
      for (int64_t begin = 0; begin < std::ssize(rows); begin += rows_at_once) {
        const torch::Tensor hidden_TD =
            model.hidden(batch_of(std::span(rows).subspan(static_cast<size_t>(begin),
                                                          static_cast<size_t>(rows_at_once))),
                         options);
        hidden.push_back(hidden_TD.detach());
        (hidden_TD * hidden_TD.sin()).sum().backward();
      }
      std::vector<torch::Tensor> gradients;
      for (const nn::Parameter& parameter : model.parameters())
        gradients.push_back(parameter.value.grad().clone());
      return gradients;
    };
    std::vector<torch::Tensor> whole, apart;
    const auto got = gradients_of(21, whole), wanted = gradients_of(7, apart);
    ASSERT_EQ(whole.front().size(0), 210);
    EXPECT_LT(error(whole.front(), torch::cat(apart)), 1e-6);
    for (size_t p = 0; p < got.size(); ++p)
      EXPECT_LT(error(got[p], wanted[p]), 1e-5) << model.parameters()[p].name;
  }
}

// A completion stands behind its prompt's own tokens, whatever lies behind those.
TEST(EvenBatch, StatesThatAreKeptAreThoseOfTheTokens) {
  if (!has_onednn()) GTEST_SKIP() << "this LibTorch has no oneDNN";
  const ProductsBy onednn(ProductLibrary::onednn);
  const auto rows = random_rows(21);
  const nn::CausalLm model = random_model();
  const torch::NoGradGuard no_grad;
  std::vector<std::vector<int32_t>> prompts;
  for (const auto& row : rows) prompts.emplace_back(row.begin(), row.end() - 1);
  const auto last_states = [&](size_t prompts_at_once) {
    std::vector<torch::Tensor> states;
    for (size_t begin = 0; begin < rows.size(); begin += prompts_at_once) {
      const auto some = std::span(prompts).subspan(begin, prompts_at_once);
      nn::State state;
      nn::ForwardOptions options;
      options.keep = &state;
      model.hidden(batch_of(some), options);
      nn::PackedBatch last;
      std::vector<int64_t> tokens;
      for (size_t r = 0; r < some.size(); ++r) {
        last.segments.push_back(
            {static_cast<int32_t>(r), 1, static_cast<int32_t>(r), /*position=*/9});
        tokens.push_back(rows[begin + r].back());
      }
      last.token_T = torch::tensor(tokens, torch::kInt64);
      last.position_T = torch::full_like(last.token_T, 9);
      nn::ForwardOptions behind;
      behind.past = state;
      states.push_back(model.hidden(last, behind));
    }
    return torch::cat(states);
  };
  EXPECT_LT(error(last_states(21), last_states(7)), 1e-6);
}

}  // namespace
}  // namespace tsrec::test
