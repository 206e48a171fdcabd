// Item vectors of the experiment's own model, against its hidden states row by row.
#include "support/support.hpp"
#include "tsrec/parts/encoder.hpp"

namespace tsrec::test {
namespace {

struct Given {
  kit::ToyWorld world;
  const Items& items = world.data.items;
  EncoderInputs inputs() const {
    return {.items = items, .model = world.plain.get(), .tokenizer = &world.plain->tokenizer()};
  }
};

// The mean over the tokens of the text, of one row by itself, in double precision.
torch::Tensor mean_state(const Given& given, const std::string& prefix, const std::string& text,
                         size_t most) {
  const text::Tokenizer& tokenizer = given.world.plain->tokenizer();
  std::vector<int32_t> ids = tokenizer.encode(prefix), own = tokenizer.encode(text);
  if (own.size() > most) own.resize(most);
  if (own.empty()) return torch::zeros({16}, torch::kFloat64);
  const auto outside = static_cast<int64_t>(ids.size());
  ids.insert(ids.end(), own.begin(), own.end());
  const torch::NoGradGuard no_grad;
  return given.world.plain->hidden(one_row(ids), {}).slice(0, outside).to(torch::kFloat64).mean(0);
}

torch::Tensor by_llm(const Given& given, const OptionTexts& options, TestContext& context) {
  return make_part<Encoder>("llm", context, options)->encode(given.inputs(), context);
}

TEST(Llm, IsTheMeanOfTheLastStatesOverTheText) {
  const Given given;
  for (const std::string prefix : {"", "Item: "}) {
    TestContext context;
    const torch::Tensor x_ND = by_llm(
        given,
        {{"prefix", prefix}, {"normalize", "false"}, {"max_tokens", "9"}, {"batch_tokens", "40"}},
        context);
    ASSERT_EQ(x_ND.sizes(), (std::vector<int64_t>{given.items.size(), 16}));
    double largest = 0;
    for (int64_t item = 0; item < given.items.size(); ++item) {
      const std::string title(given.items.text("title", item)),
          description(given.items.text("description", item));
      const std::string text =
          title + (title.empty() || description.empty() ? "" : "\n") + description;
      const torch::Tensor wanted = mean_state(given, prefix, text, 9);
      EXPECT_LT((x_ND[item].to(torch::kFloat64) - wanted).abs().max().item<double>(), 1e-5)
          << item << ": " << text;
      largest = std::max(largest, wanted.abs().max().item<double>());
    }
    EXPECT_GT(largest, 0.1) << "states that say nothing";
    EXPECT_GT(context.counters["token_forwards"], 0);
  }
}

TEST(Llm, ScalesUnlessToldOtherwiseAndSaysWhatIsEmpty) {
  const Given given;
  TestContext context;
  const torch::Tensor scaled = by_llm(given, {}, context),
                      raw = by_llm(given, {{"normalize", "false"}}, context);
  EXPECT_LT(
      (scaled - raw / raw.norm(2, 1, /*keepdim=*/true).clamp_min(1e-12)).abs().max().item<double>(),
      1e-6);
  EXPECT_NE(std::find(context.messages.begin(), context.messages.end(),
                      "llm: 1 items have no text; their vectors are zero"),
            context.messages.end());
}

TEST(Llm, AModelWithoutWordsIsRefused) {
  const Given given;
  TestContext context;
  const text::Tokenizer silent = text::Tokenizer::without_text();
  EncoderInputs inputs = given.inputs();
  inputs.tokenizer = &silent;
  EXPECT_TRUE(contains(
      message_of<ConfigError>([&] { make_part<Encoder>("llm", context)->encode(inputs, context); }),
      "the [backbone] reads no text"));
}

}  // namespace
}  // namespace tsrec::test
