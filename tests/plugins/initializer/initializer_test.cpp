#include "tsrec/parts/initializer.hpp"

#include "support/support.hpp"
#include "tsrec/nn/row_moments.hpp"

namespace tsrec::test {
namespace {

const std::vector<std::string> kTexts = {"copper wire and cable for the garden",
                                         "cotton gloves and steel bolts"};

// A model as an initializer sees it: five padding rows, means that are not zero, spread of one.
struct Toy {
  explicit Toy(bool is_tied = true, int64_t codes = 3) {
    const auto drawn = [&](uint64_t seed, double mean) {
      return mean + torch::randn({tokenizer.size() + 5, 16}, at::detail::createCPUGenerator(seed));
    };
    model = {.input_VD = drawn(1, 0) + torch::arange(16),
             .output_VD = is_tied ? torch::Tensor() : drawn(2, -1),
             .num_tokens = tokenizer.size(),
             .initializer_range = 0.2};
    sids.sizes = {codes, codes, codes};
    sids.code_NL = torch::arange(codes).unsqueeze(1).repeat({1, 3});
    tokens = Vocabulary(sids, static_cast<int32_t>(tokenizer.size()));
    const std::vector<std::vector<std::string>> words = {
        {"copper", "wire"}, {"cotton", "gloves", "cotton"}, {"steel bolts"}};
    for (const NewToken& token : tokens.tokens()) {
      notes.push_back({token.text, "", words[static_cast<size_t>((token.level + token.code) % 3)]});
    }
  }
  NewRows rows(const std::string& part, const std::map<std::string, std::string>& options = {}) {
    return make_part<Initializer>(part, context, options)
        ->rows(
            {.tokens = tokens, .notes = notes, .tokenizer = tokenizer, .rows = model, .sids = sids},
            context);
  }

  TestContext context;
  text::Tokenizer tokenizer = text::Tokenizer::train(kTexts, 300);
  VocabularyRows model;
  SidTable sids;
  Vocabulary tokens;
  std::vector<TokenNote> notes;
};

// Eq. 9 by hand.
torch::Tensor keyword_mean(const Toy& toy, const torch::Tensor& matrix_VD, size_t note) {
  std::string text;
  for (const std::string& word : toy.notes[note].keywords) text += (text.empty() ? "" : " ") + word;
  const auto ids = toy.tokenizer.encode(text);
  torch::Tensor sum = torch::zeros({16}, torch::kFloat64);
  for (const int32_t id : ids) sum += matrix_VD[id].to(torch::kFloat64);
  return sum / static_cast<double>(ids.size());
}

TEST(SaInit, RowsAreKeywordMeansDownToItsDepth) {
  for (int64_t depth = 1; depth <= 3; ++depth) {
    Toy toy(/*is_tied=*/false);
    const NewRows rows = toy.rows("sa_init", {{"depth", std::to_string(depth)}});
    ASSERT_EQ(rows.input_ED.sizes(), (std::vector<int64_t>{9, 16}));
    for (size_t e = 0; e < 9; ++e) {
      const bool averaged = toy.tokens.tokens()[e].level < depth;
      const auto at = static_cast<int64_t>(e);
      EXPECT_EQ(torch::allclose(rows.input_ED[at],
                                keyword_mean(toy, toy.model.input_VD, e).to(torch::kFloat32)),
                averaged);
      EXPECT_EQ(torch::allclose(rows.output_ED[at],
                                keyword_mean(toy, toy.model.output_VD, e).to(torch::kFloat32)),
                averaged);
    }
  }
}

TEST(SaInit, CenteredAndRescaledRowsFollowTheFormula) {
  Toy toy;
  const NewRows rows = toy.rows("sa_init", {{"center", "true"}, {"rescale", "frozen_norm"}});
  const torch::Tensor known =
      toy.model.input_VD.slice(0, 0, toy.tokenizer.size()).to(torch::kFloat64);
  const double length = known.norm(2, 1).mean().item<double>();
  for (size_t e = 0; e < 9; ++e) {
    torch::Tensor wanted = keyword_mean(toy, toy.model.input_VD, e) - known.mean(0);
    wanted = wanted * length / (wanted.norm() + 1e-6);
    EXPECT_TRUE(torch::allclose(rows.input_ED[static_cast<int64_t>(e)], wanted.to(torch::kFloat32),
                                1e-5, 1e-6));
  }
  EXPECT_FALSE(rows.output_ED.defined());
}

TEST(SaInit, MeanRowNormCountsTheRowsAlreadyWritten) {
  Toy toy;
  const NewRows rows = toy.rows("sa_init", {{"rescale", "mean_row_norm"}});
  torch::Tensor matrix = toy.model.input_VD.to(torch::kFloat64).clone();
  for (size_t e = 0; e < 9; ++e) {
    torch::Tensor wanted = keyword_mean(toy, toy.model.input_VD, e);
    wanted = wanted * matrix.norm(2, 1).mean() / (wanted.norm() + 1e-6);
    EXPECT_TRUE(torch::allclose(rows.input_ED[static_cast<int64_t>(e)], wanted.to(torch::kFloat32),
                                1e-5, 1e-6));
    const int64_t id = toy.tokenizer.size() + static_cast<int64_t>(e);
    if (id < matrix.size(0)) {
      matrix[id] = wanted;
    } else {
      matrix = torch::cat({matrix, wanted.unsqueeze(0)});
    }
  }
}

TEST(SaInit, ErrorsSayWhatToDo) {
  Toy toy;
  EXPECT_NE(message_of<ConfigError>([&] {
              toy.rows("sa_init", {{"depth", "4"}});
            }).find("have 3 levels"),
            std::string::npos);
  toy.notes.resize(4);
  EXPECT_NE(message_of<DataError>([&] {
              toy.rows("sa_init", {{"missing", "error"}});
            }).find("<b_1> has no keywords"),
            std::string::npos);
  EXPECT_TRUE(toy.rows("sa_init").input_ED.isfinite().all().item<bool>());
  toy.notes.clear();
  EXPECT_NE(message_of<ConfigError>([&] { toy.rows("sa_init"); }).find("[extractor]"),
            std::string::npos);
}

TEST(Gaussian, DrawsHaveTheMomentsOfTheTokenizersRows) {
  Toy toy(/*is_tied=*/false, /*codes=*/3000);
  const NewRows rows = toy.rows("gaussian");
  const int64_t known = toy.tokenizer.size();
  const auto check = [&](const torch::Tensor& drawn_ED, const torch::Tensor& matrix_VD) {
    const torch::Tensor wanted = matrix_VD.slice(0, 0, known);
    EXPECT_LT((drawn_ED.mean(0) - wanted.mean(0)).abs().max().item<double>(), 0.06);
    EXPECT_LT((torch::cov(drawn_ED.t()) - torch::cov(wanted.t())).abs().max().item<double>(), 0.06);
  };
  check(rows.input_ED, toy.model.input_VD);
  check(rows.output_ED, toy.model.output_VD);
}

TEST(Gaussian, MomentsMatchPlainLoops) {
  const torch::Tensor x =
      torch::randn({40, 5}, at::detail::createCPUGenerator(3)).to(torch::kFloat64);
  const nn::RowMoments moments = nn::row_moments(x);
  const torch::Tensor covariance = torch::matmul(moments.factor_DD, moments.factor_DD.t());
  for (int64_t i = 0; i < 5; ++i) {
    for (int64_t j = 0; j < 5; ++j) {
      double sum = 0;
      for (int64_t n = 0; n < 40; ++n) {
        sum += (x[n][i] - x.select(1, i).mean()).item<double>() *
               (x[n][j] - x.select(1, j).mean()).item<double>() / 40;
      }
      EXPECT_NEAR(covariance[i][j].item<double>(), sum, 1e-5);
    }
  }
  torch::Tensor damaged = x.clone();
  damaged[3][1] = std::nan("");
  EXPECT_NE(message_of<DataError>([&] { nn::row_moments(damaged); }).find("NaN"),
            std::string::npos);
}

TEST(Random, DrawsHaveTheInitializerRange) {
  Toy toy(/*is_tied=*/false, /*codes=*/1000);
  const NewRows rows = toy.rows("random");
  EXPECT_NEAR(rows.input_ED.std().item<double>(), toy.model.initializer_range, 0.004);
  EXPECT_NEAR(rows.input_ED.mean().item<double>(), 0, 0.004);
  EXPECT_FALSE(torch::equal(rows.input_ED, rows.output_ED));
  EXPECT_TRUE(torch::equal(rows.input_ED, toy.rows("random").input_ED));
}

}  // namespace
}  // namespace tsrec::test
