// A real language model from its Hugging Face folder: what transformers computes with it. The
// golden comes from tests/golden/make_smollm2.py.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "support/support.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/nn/causal_lm.hpp"
#include "tsrec/text/tokenizer.hpp"

namespace tsrec::test {
namespace {

using Ids = std::vector<int32_t>;

class SmolLm2 : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* const folder = std::getenv("TSREC_SMOLLM2");
    if (folder == nullptr)
      GTEST_SKIP() << "set TSREC_SMOLLM2 to the Hugging Face folder of SmolLM2-135M-Instruct";
    folder_ = folder;
    golden_ = nlohmann::json::parse(
        io::read_text(std::filesystem::path(TSREC_SOURCE_FOLDER) / "tests/golden/smollm2.json"));
  }
  nn::CausalLm model() const {
    nn::CausalLm model(nn::read_hf_config(folder_), torch::kFloat32, torch::kCPU);
    model.load(folder_);
    return model;
  }
  static torch::Tensor logits_of(const nn::CausalLm& model, const torch::Tensor& hidden_TD) {
    return torch::matmul(hidden_TD, model.head().weight_VD.to(torch::kFloat32).t());
  }

  std::filesystem::path folder_;
  nlohmann::json golden_;
};

TEST_F(SmolLm2, IdsAreThoseOfTransformers) {
  const text::Tokenizer tokenizer = text::Tokenizer::load(folder_);
  for (const auto& row : golden_.at("rows"))
    EXPECT_EQ(tokenizer.encode(row.at("text").get<std::string>()), row.at("ids").get<Ids>());
}

TEST_F(SmolLm2, LogitsAreThoseOfTransformers) {
  const torch::NoGradGuard no_grad;
  const nn::CausalLm model = this->model();
  const torch::Tensor token_K =
      torch::tensor(golden_.at("tokens").get<std::vector<int64_t>>(), torch::kInt64);
  for (const auto& row : golden_.at("rows")) {
    const torch::Tensor hidden_TD = model.hidden(one_row(row.at("ids").get<Ids>()), {});
    const torch::Tensor position_P =
        torch::tensor(row.at("positions").get<std::vector<int64_t>>(), torch::kInt64);
    const torch::Tensor got_PK =
        logits_of(model, hidden_TD.index_select(0, position_P)).index_select(1, token_K);
    for (int64_t p = 0; p < position_P.size(0); ++p) {
      const torch::Tensor wanted_K = torch::tensor(
          row.at("logits")[static_cast<size_t>(p)].get<std::vector<float>>(), torch::kFloat32);
      EXPECT_LT((got_PK[p] - wanted_K).abs().max().item<double>(), 1e-3) << row.at("text");
    }
  }
}

TEST_F(SmolLm2, TheGreedyContinuationIsThatOfTransformers) {
  const torch::NoGradGuard no_grad;
  const nn::CausalLm model = this->model();
  Ids ids = golden_.at("rows")[1].at("ids").get<Ids>();
  const size_t shown = ids.size();
  const Ids wanted = golden_.at("continuation").get<Ids>();
  ASSERT_EQ(wanted.size(), 40u);
  while (ids.size() < shown + wanted.size()) {
    const torch::Tensor hidden_TD = model.hidden(one_row(ids), {});
    ids.push_back(logits_of(model, hidden_TD.slice(0, -1)).argmax(1).item<int32_t>());
  }
  EXPECT_EQ(Ids(ids.begin() + static_cast<std::ptrdiff_t>(shown), ids.end()), wanted);
}

}  // namespace
}  // namespace tsrec::test
