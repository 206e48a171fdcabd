#include "tsrec/decode/generate.hpp"

#include <mutex>
#include <nlohmann/json.hpp>

#include "support/support.hpp"
#include "support/toy_shape.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/nn/causal_lm.hpp"

namespace tsrec::test {
namespace {

using decode::GeneratedText;
using decode::GenerateOptions;
using Tokens = std::vector<int32_t>;

constexpr int64_t kVocabulary = 90;

nn::CausalLm writer() {
  constexpr int64_t kPadding = 6;
  nn::CausalLm model(toy_shape(kVocabulary + kPadding, /*width=*/32, /*mlp_width=*/48, 0.4),
                     torch::kFloat32, torch::kCPU);
  model.init_random(at::detail::createCPUGenerator(17));
  return model;
}

Tokens random_tokens(int64_t count, uint64_t seed) {
  const torch::Tensor ids =
      torch::randint(kVocabulary, {count}, at::detail::createCPUGenerator(seed), torch::kInt32);
  return {ids.const_data_ptr<int32_t>(), ids.const_data_ptr<int32_t>() + count};
}

// Of lengths 1 to 20 behind `shared` tokens that all of them begin with.
std::vector<Tokens> random_prompts(int64_t count, int64_t shared) {
  const Tokens common = random_tokens(shared, 1000);
  std::vector<Tokens> prompts;
  for (int64_t i = 0; i < count; ++i) {
    Tokens prompt = common;
    const Tokens own = random_tokens(1 + (i * 7) % 20, static_cast<uint64_t>(i));
    prompt.insert(prompt.end(), own.begin(), own.end());
    prompts.push_back(prompt);
  }
  return prompts;
}

// [T, V]: the logits behind every token, by one plain forward.
torch::Tensor logits_of(const nn::LanguageModel& model, const Tokens& tokens) {
  const torch::NoGradGuard no_grad;
  return torch::matmul(model.hidden(one_row(tokens), {}),
                       model.head().weight_VD.slice(0, 0, kVocabulary).t());
}

// The loop that computes everything again for every token.
Tokens naive(const nn::LanguageModel& model, Tokens tokens, int64_t count) {
  const size_t shown = tokens.size();
  for (int64_t t = 0; t < count; ++t)
    tokens.push_back(logits_of(model, tokens)[-1].argmax().item<int32_t>());
  return {tokens.begin() + static_cast<std::ptrdiff_t>(shown), tokens.end()};
}

// Every token from `first` on is the likeliest behind those before it, to rounding.
void expect_greedy(const nn::LanguageModel& model, const Tokens& prompt, const Tokens& text,
                   size_t first = 0) {
  Tokens whole = prompt;
  whole.insert(whole.end(), text.begin(), text.end());
  const torch::Tensor logit_TV = logits_of(model, whole);
  for (size_t t = first; t < text.size(); ++t) {
    const torch::Tensor logit_V = logit_TV[static_cast<int64_t>(prompt.size() + t) - 1];
    EXPECT_GE(logit_V[text[t]].item<double>(), logit_V.max().item<double>() - 1e-4)
        << "token " << t << " behind a prompt of " << prompt.size();
  }
}

GenerateOptions some(int64_t tokens) {
  GenerateOptions options;
  options.max_new_tokens = tokens;
  options.num_tokens = kVocabulary;
  return options;
}

TEST(Generate, WritesWhatTheNaiveLoopWrites) {
  const nn::CausalLm model = writer();
  TestContext context;
  for (const int64_t shared : {0, 9}) {
    const std::vector<Tokens> prompts = random_prompts(13, shared);
    for (const int64_t at_once : {1, 4, 32}) {
      GenerateOptions options = some(12);
      options.texts_at_once = at_once;
      const auto texts = decode::generate(model, prompts, options, context);
      ASSERT_EQ(texts.size(), prompts.size());
      for (size_t p = 0; p < prompts.size(); ++p) {
        EXPECT_EQ(texts[p].tokens, naive(model, prompts[p], 12)) << p << " of " << at_once;
        EXPECT_FALSE(texts[p].is_complete);
      }
    }
  }
}

TEST(Generate, LongTextsAreGreedyToTheirEnd) {
  const nn::CausalLm model = writer();
  TestContext context;
  const std::vector<Tokens> prompts = random_prompts(5, 3);
  const auto texts = decode::generate(model, prompts, some(300), context);
  for (size_t p = 0; p < prompts.size(); ++p) {
    ASSERT_EQ(texts[p].tokens.size(), 300u);
    expect_greedy(model, prompts[p], texts[p].tokens);
  }
}

TEST(Generate, AnEndTakesATextOutOfTheBatchAndLeavesTheOthers) {
  const nn::CausalLm model = writer();
  TestContext context;
  const std::vector<Tokens> prompts = random_prompts(11, 4);
  std::vector<Tokens> whole;
  for (const Tokens& prompt : prompts) whole.push_back(naive(model, prompt, 20));
  GenerateOptions options = some(20);
  options.ends = {whole[2][0], whole[5][6], whole[7][19]};  // at once, soon, and at the very end
  const auto texts = decode::generate(model, prompts, options, context);
  int64_t complete = 0;
  for (size_t p = 0; p < prompts.size(); ++p) {
    const auto end = std::find_first_of(whole[p].begin(), whole[p].end(), options.ends.begin(),
                                        options.ends.end());
    EXPECT_EQ(texts[p].tokens, Tokens(whole[p].begin(), end)) << p;
    EXPECT_EQ(texts[p].is_complete, end != whole[p].end()) << p;
    complete += texts[p].is_complete;
  }
  EXPECT_GE(complete, 3);
  EXPECT_TRUE(texts[2].tokens.empty());
}

TEST(Generate, IdenticalPromptsAreAnsweredOnceAndSteeredByTheFirst) {
  const nn::CausalLm model = writer();
  TestContext context;
  std::vector<Tokens> prompts = random_prompts(3, 0);
  prompts.push_back(prompts[1]);
  std::mutex mutex;
  std::set<size_t> asked;
  GenerateOptions options = some(6);
  options.steer = [&](size_t prompt, std::span<const int32_t>) {
    const std::lock_guard lock(mutex);
    asked.insert(prompt);
    return decode::Steer();
  };
  const auto texts = decode::generate(model, prompts, options, context);
  EXPECT_EQ(asked, (std::set<size_t>{0, 1, 2}));
  EXPECT_EQ(texts[3].tokens, texts[1].tokens);
  EXPECT_NE(texts[0].tokens, texts[1].tokens);
  EXPECT_TRUE(decode::generate(model, {}, options, context).empty());
}

TEST(Generate, WhoSteersEndsTextsAndPutsTokensIn) {
  const nn::CausalLm model = writer();
  TestContext context;
  const std::vector<Tokens> prompts = random_prompts(6, 2);
  const Tokens put_in = {5, 80, 5};
  GenerateOptions options = some(40);
  options.steer = [&](size_t prompt, std::span<const int32_t> tokens) {
    decode::Steer steer;
    if (tokens.size() == 2 + prompt) steer.continue_with = put_in;  // each at a place of its own
    steer.is_done = tokens.size() == 30;
    return steer;
  };
  const auto texts = decode::generate(model, prompts, options, context);
  for (size_t p = 0; p < prompts.size(); ++p) {
    const Tokens& text = texts[p].tokens;
    ASSERT_EQ(text.size(), 30u);
    EXPECT_TRUE(texts[p].is_complete);
    const auto at = text.begin() + static_cast<std::ptrdiff_t>(2 + p);
    EXPECT_EQ(Tokens(text.begin(), at), naive(model, prompts[p], static_cast<int64_t>(2 + p)));
    EXPECT_EQ(Tokens(at, at + 3), put_in);
    expect_greedy(model, prompts[p], text, /*first=*/5 + p);
  }
  // What is put in may not go beyond the end.
  options.max_new_tokens = 4;
  for (const GeneratedText& text : decode::generate(model, prompts, options, context))
    EXPECT_LE(text.tokens.size(), 4u);
}

TEST(Generate, PaddingRowsAreNeverWritten) {
  nn::CausalLm model = writer();
  const torch::Tensor loud_ED = 50 * torch::ones({6, 32});
  model.set_rows(kVocabulary, loud_ED, {});
  TestContext context;
  for (const GeneratedText& text :
       decode::generate(model, random_prompts(4, 0), some(10), context)) {
    for (const int32_t token : text.tokens) EXPECT_LT(token, kVocabulary);
  }
}

TEST(Generate, CountsItsWork) {
  const nn::CausalLm model = writer();
  TestContext context;
  const std::vector<Tokens> prompts = {{1, 2, 3, 4, 5}, {1, 2, 3, 4, 6, 7}, {1, 2, 3, 4, 8}};
  decode::generate(model, prompts, some(10), context);
  EXPECT_EQ(context.counters.at("token_forwards"), 4 + 4 + 3 * 9);  // the last ones predict nothing
  EXPECT_EQ(context.counters.at("head_rows"), 3 * 10);
}

TEST(Generate, RefusesWhatCannotBeWritten) {
  nn::CausalLm model = writer();
  TestContext context;
  EXPECT_TRUE(contains(message_of<Error>([&] {
                         decode::generate(model, std::vector<Tokens>{{1}, {}}, some(3), context);
                       }),
                       "a prompt needs at least one token"));
  GenerateOptions beyond = some(3);
  beyond.num_tokens = kVocabulary + 7;
  EXPECT_TRUE(contains(
      message_of<Error>([&] { decode::generate(model, random_prompts(1, 0), beyond, context); }),
      "head has 96 rows"));
  const torch::NoGradGuard no_grad;
  for (const nn::Parameter& parameter : model.parameters())
    parameter.value.fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(contains(message_of<DataError>([&] {
                         decode::generate(model, random_prompts(1, 0), some(3), context);
                       }),
                       "not finite"));
}

// The golden comes from tests/golden/make_smollm2.py.
TEST(GenerateSmolLm2, ContinuesAsTransformersDoes) {
  const char* const folder = std::getenv("TSREC_SMOLLM2");
  if (folder == nullptr)
    GTEST_SKIP() << "set TSREC_SMOLLM2 to the Hugging Face folder of SmolLM2-135M-Instruct";
  const nlohmann::json golden = nlohmann::json::parse(
      io::read_text(std::filesystem::path(TSREC_SOURCE_FOLDER) / "tests/golden/smollm2.json"));
  nn::CausalLm model(nn::read_hf_config(folder), torch::kFloat32, torch::kCPU);
  model.load(folder);
  model.pack_weights();
  std::vector<Tokens> prompts;
  for (const nlohmann::json& row : golden.at("rows"))
    prompts.push_back(row.at("ids").get<Tokens>());
  GenerateOptions options;
  options.num_tokens = model.shape().vocabulary;
  options.max_new_tokens = 40;
  TestContext context;
  EXPECT_EQ(decode::generate(model, prompts, options, context)[1].tokens,
            golden.at("continuation").get<Tokens>());
}

}  // namespace
}  // namespace tsrec::test
