// TIGER against transformers (goldens of tests/golden/make_tiger.py), against the formula in double
// precision, and under the trainers.
#include <nlohmann/json.hpp>

#include "plugins/backbone/t5_formula.hpp"
#include "plugins/trainer/toy_grpo.hpp"
#include "support/values_and_gradients.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/parts/initializer.hpp"

namespace tsrec::test {
namespace {

namespace fs = std::filesystem;
using Tokens = std::vector<int32_t>;

const OptionTexts kSmallTiger = {
    {"width", "16"}, {"layers", "2"}, {"heads", "3"}, {"head_width", "8"}, {"mlp_width", "20"}};

std::vector<std::string> sid_tokens(int64_t levels, int64_t codes) {
  std::vector<std::string> tokens;
  for (int64_t level = 0; level < levels; ++level) {
    for (int64_t code = 0; code < codes; ++code) tokens.push_back(SidSpelling().token(level, code));
  }
  return tokens;
}

std::shared_ptr<Backbone> small_tiger(Context& context, int64_t levels, int64_t codes,
                                      OptionTexts options = {}) {
  options.insert(kSmallTiger.begin(), kSmallTiger.end());
  auto model = make_part<Backbone>("tiger", context, options);
  model->prepare(Items(std::vector<std::string>{}), context);
  const NewRows rows = fresh_rows(model->vocabulary_rows(), levels * codes, context);
  model->extend(sid_tokens(levels, codes), rows.input_ED, rows.output_ED);
  return model;
}

T5Formula formula_of(const Backbone& model, const T5Formula::Shape& shape) {
  const TempFolder folder;
  model.save(folder.path() / "model");
  return {folder.path() / "model", shape};
}

struct Row {
  Tokens prompt, target;
};

std::vector<nn::TokenRow> views(const std::vector<Row>& rows) {
  std::vector<nn::TokenRow> all;
  for (const Row& row : rows) all.push_back({row.prompt, row.target});
  return all;
}

nn::PackedBatch one_batch(const std::vector<Row>& rows, bool share = true) {
  const std::vector<nn::TokenRow> all = views(rows);
  return nn::pack(std::span<const nn::TokenRow>(all),
                  {.max_tokens = 1 << 20, .share_prefix = share})
      .front();
}

Tokens random_tokens(int64_t count, int64_t vocabulary, uint64_t seed) {
  const torch::Tensor drawn =
      torch::randint(1, vocabulary, {count}, at::detail::createCPUGenerator(seed), torch::kInt32);
  return {drawn.const_data_ptr<int32_t>(), drawn.const_data_ptr<int32_t>() + count};
}

// Equal and different lengths, equal prompts, and prompts that end in the target of another row.
std::vector<Row> random_rows(int64_t vocabulary) {
  std::vector<Row> rows;
  const std::vector<std::pair<int64_t, int64_t>> lengths = {{3, 3},    {9, 3},  {9, 1},  {3, 5},
                                                            {150, 24}, {40, 3}, {400, 2}};
  uint64_t seed = 30;
  for (const auto& [prompt, target] : lengths)
    rows.push_back(
        {random_tokens(prompt, vocabulary, ++seed), random_tokens(target, vocabulary, ++seed)});
  rows.push_back({rows[1].prompt, random_tokens(4, vocabulary, ++seed)});
  Tokens longer = rows[1].prompt;
  longer.insert(longer.end(), rows[1].target.begin(), rows[1].target.end() - 1);
  rows.push_back({longer, random_tokens(3, vocabulary, ++seed)});
  return rows;
}

torch::Tensor stacked_log_probs(const T5Formula& formula, const std::vector<Row>& rows) {
  std::vector<torch::Tensor> all;
  for (const Row& row : rows) all.push_back(formula.log_probs(row.prompt, row.target));
  return torch::cat(all);
}

double farthest(const torch::Tensor& got, const torch::Tensor& wanted) {
  return (got.detach().to(torch::kFloat64) - wanted.to(torch::kFloat64)).abs().max().item<double>();
}

// --- against transformers ------------------------------------------------------------------------

struct Golden {
  explicit Golden(const std::string& name)
      : folder(fs::path(TSREC_SOURCE_FOLDER) / "tests/golden" / name),
        answers(nlohmann::json::parse(io::read_text(folder / "answers.json"))) {
    // Its weights and sizes, and a tokenizer of its tokens.
    const TempFolder made;
    small_tiger(context, 3, 8)->save(made.path() / "model");
    for (const char* file : {"config.json", "model.safetensors"})
      fs::copy_file(folder / file, made.path() / "model" / file,
                    fs::copy_options::overwrite_existing);
    model = make_part<Backbone>("tiger", context);
    model->load(made.path() / "model");
  }
  TestContext context;
  fs::path folder;
  nlohmann::json answers;
  std::shared_ptr<Backbone> model;
};

class TigerLikeTransformers : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Goldens, TigerLikeTransformers,
                         ::testing::Values("hf_t5", "hf_t5_untied"));

TEST_P(TigerLikeTransformers, AnswersPositionByPosition) {
  const torch::NoGradGuard no_grad;
  const Golden golden(GetParam());
  std::vector<Row> rows;
  for (const auto& row : golden.answers["rows"])
    rows.push_back({row["prompt"].get<Tokens>(), row["target"].get<Tokens>()});
  for (const bool share : {false, true}) {
    const torch::Tensor logit_RV = torch::matmul(
        golden.model->label_hidden(one_batch(rows, share), {}), golden.model->head().whole().t());
    int64_t first = 0;
    for (size_t r = 0; r < rows.size(); ++r) {
      const auto& row = golden.answers["rows"][r];
      const auto wanted = row["logits"].get<std::vector<std::vector<double>>>();
      for (size_t i = 0; i < wanted.size(); ++i) {
        const int64_t at = first + static_cast<int64_t>(i) * row["every"].get<int64_t>();
        EXPECT_LT(farthest(logit_RV[at], torch::tensor(wanted[i], torch::kFloat64)), 2e-5)
            << "row " << r << " position " << i;
      }
      first += static_cast<int64_t>(rows[r].target.size());
    }
    EXPECT_EQ(first, logit_RV.size(0));
  }
}

TEST_P(TigerLikeTransformers, FindsTheSameBeams) {
  Golden golden(GetParam());
  SidTable sids;
  sids.sizes = {8, 8, 8};
  const auto codes = golden.answers["sids"].get<std::vector<std::vector<int64_t>>>();
  sids.code_NL = torch::empty({static_cast<int64_t>(codes.size()), 3}, torch::kInt64);
  for (size_t item = 0; item < codes.size(); ++item)
    sids.code_NL[static_cast<int64_t>(item)].copy_(torch::tensor(codes[item]));
  const Vocabulary vocabulary(sids, 1);
  // Of all codes there is an item, so that the vocabulary's ids are those of the golden.
  ASSERT_EQ(vocabulary.tokens().size(), 24u);
  const Trie trie = Trie::build(sids, vocabulary);
  std::vector<Tokens> prompts;
  for (const auto& list : golden.answers["lists"]) prompts.push_back(list["prompt"].get<Tokens>());
  const Rankings found =
      decode::Decoder(*golden.model, trie, {.beams = 6}).rank(prompts, golden.context);
  for (size_t row = 0; row < prompts.size(); ++row) {
    const auto& list = golden.answers["lists"][row];
    const auto at = static_cast<int64_t>(row);
    const torch::Tensor items = torch::tensor(list["items"].get<std::vector<int64_t>>());
    EXPECT_TRUE(torch::equal(found.item_SM[at], items)) << row << "\n" << found.item_SM[at];
    const torch::Tensor scores = torch::tensor(list["scores"].get<std::vector<double>>());
    EXPECT_LT(farthest(found.score_SM[at], scores), 1e-4) << row;
  }
}

// --- against the formula -------------------------------------------------------------------------

TEST(Tiger, ComputesTheFormula) {
  const std::vector<Row> rows = random_rows(25);
  TestContext context;
  struct Case {
    OptionTexts options;
    T5Formula::Shape shape;
  };
  const std::vector<Case> cases = {
      {{}, {.layers = 2, .heads = 3}},
      {{{"tied", "false"}, {"layers", "1"}}, {.layers = 1, .heads = 3, .tied = false}},
      {{{"buckets", "12"}, {"max_distance", "50"}, {"heads", "2"}},
       {.layers = 2, .heads = 2, .buckets = 12, .max_distance = 50}}};
  for (const Case& one : cases) {
    const auto model = small_tiger(context, 3, 8, one.options);
    const torch::Tensor wanted_R = stacked_log_probs(formula_of(*model, one.shape), rows);
    for (const bool share : {false, true}) {
      const torch::NoGradGuard no_grad;
      const torch::Tensor got_R = nn::label_log_probs(*model, one_batch(rows, share), {}, context);
      ASSERT_EQ(got_R.sizes(), wanted_R.sizes());
      EXPECT_LT(farthest(got_R, wanted_R), 2e-4);
    }
  }
}

// Every tensor of the file, moved to both sides along a random direction.
TEST(Tiger, GradientsAreFiniteDifferences) {
  std::vector<Row> rows = random_rows(25);
  rows.resize(3);  // each weight asks the formula twice
  TestContext context;
  const auto model = small_tiger(context, 3, 8);
  T5Formula formula = formula_of(*model, {.layers = 2, .heads = 3});
  const torch::Tensor log_prob_R = nn::label_log_probs(*model, one_batch(rows), {}, context);
  const torch::Tensor probe_R = drawn(log_prob_R.sizes(), 5, torch::kFloat64);
  (log_prob_R.to(torch::kFloat64) * probe_R).sum().backward();

  // The gradients under the names of the file.
  const auto bearer = model->clone();
  const auto parameters = model->parameters(), borne = bearer->parameters();
  nn::set_values(borne, [&] {
    std::vector<torch::Tensor> gradients;
    for (const nn::Parameter& parameter : parameters) gradients.push_back(parameter.value.grad());
    return gradients;
  }());
  const TempFolder folder;
  bearer->save(folder.path());
  const auto gradients = io::read_hf_weights(folder.path());
  ASSERT_EQ(gradients.size(), formula.weights.size());

  const torch::NoGradGuard no_grad;
  uint64_t seed = 100;
  for (auto& [name, weight] : formula.weights) {
    const torch::Tensor direction = drawn(weight.sizes(), ++seed, torch::kFloat64);
    constexpr double kStep = 1e-5;
    const auto loss_at = [&](double move) {
      const torch::Tensor before = weight;
      weight = before + move * direction;
      const double loss = (stacked_log_probs(formula, rows) * probe_R).sum().item<double>();
      weight = before;
      return loss;
    };
    const double wanted = (loss_at(kStep) - loss_at(-kStep)) / (2 * kStep);
    const double got = (gradients.at(name).to(torch::kFloat64) * direction).sum().item<double>();
    const double size = gradients.at(name).to(torch::kFloat64).norm().item<double>();
    EXPECT_NEAR(got, wanted, 1e-3 * size + 1e-4) << name;
    EXPECT_GT(size, 0) << name;
  }
}

TEST(Tiger, BeginsAsT5Does) {
  TestContext context;
  const auto model =
      small_tiger(context, 3, 300,
                  {{"width", "64"}, {"head_width", "32"}, {"heads", "4"}, {"mlp_width", "256"}});
  const T5Formula formula = formula_of(*model, {.layers = 2, .heads = 4});
  const auto deviation_of = [&](const std::string& name) {
    return formula.weights.at(name).pow(2).mean().sqrt().item<double>();
  };
  const double tolerance = 0.03;
  const std::string encoder = "encoder.block.1.layer.", decoder = "decoder.block.0.layer.";
  EXPECT_NEAR(deviation_of("shared.weight"), 1, tolerance);
  EXPECT_NEAR(deviation_of(encoder + "0.SelfAttention.q.weight") * std::sqrt(64 * 32), 1,
              tolerance);
  EXPECT_NEAR(deviation_of(encoder + "0.SelfAttention.k.weight") * 8, 1, tolerance);
  EXPECT_NEAR(deviation_of(decoder + "1.EncDecAttention.v.weight") * 8, 1, tolerance);
  EXPECT_NEAR(deviation_of(decoder + "1.EncDecAttention.o.weight") * std::sqrt(128), 1, tolerance);
  EXPECT_NEAR(deviation_of(decoder + "2.DenseReluDense.wi.weight") * 8, 1, tolerance);
  EXPECT_NEAR(deviation_of(decoder + "2.DenseReluDense.wo.weight") * 16, 1, tolerance);
  EXPECT_EQ(deviation_of(decoder + "2.layer_norm.weight"), 1);
}

// --- prompts, states and forks -------------------------------------------------------------------

// Tokens behind prompts, one or several at a time, from forks of a state.
TEST(Tiger, StepByStepItSaysWhatWholeRowsSay) {
  const torch::NoGradGuard no_grad;
  TestContext context;
  const auto model = small_tiger(context, 3, 8);
  const T5Formula formula = formula_of(*model, {.layers = 2, .heads = 3});
  const std::vector<Tokens> prompts = {random_tokens(9, 25, 1), random_tokens(4, 25, 2),
                                       random_tokens(9, 25, 3), random_tokens(9, 25, 1)};
  const nn::Prefilled read = model->prefill(prompts, nullptr, context);
  ASSERT_EQ(read.segment_B[0], read.segment_B[3]);  // one prompt, computed once
  const auto head_VD = model->head().whole();
  const auto expect_near = [&](const torch::Tensor& hidden_D, size_t prompt, Tokens behind) {
    behind.insert(behind.begin(), 0);
    EXPECT_LT(farthest(torch::mv(head_VD, hidden_D), formula.logits(prompts[prompt], behind)[-1]),
              1e-4)
        << "prompt " << prompt << ", " << behind.size() << " tokens";
  };
  for (size_t b = 0; b < prompts.size(); ++b)
    expect_near(read.last_BD[static_cast<int64_t>(b)], b, {});

  // Two answers behind prompt 2, one of two tokens behind prompt 1.
  nn::State state = read.state;
  const auto first = static_cast<int32_t>(state->segments().size());
  nn::PackedBatch batch;
  batch.token_T = torch::tensor({5, 9, 7, 2}, torch::kInt64);
  batch.position_T = torch::tensor({1, 1, 1, 2}, torch::kInt64);
  batch.segments = {
      {0, 1, read.segment_B[2], 1}, {1, 1, read.segment_B[2], 1}, {2, 2, read.segment_B[1], 1}};
  const torch::Tensor once_TD = model->append(batch, state, context);
  expect_near(once_TD[0], 2, {5});
  expect_near(once_TD[1], 2, {9});
  expect_near(once_TD[2], 1, {7});
  expect_near(once_TD[3], 1, {7, 2});
  // The state of before stands as it was; a fork of the new one goes on behind two of the answers.
  batch.token_T = torch::tensor({3, 4, 6}, torch::kInt64);
  batch.position_T = torch::tensor({2, 2, 3}, torch::kInt64);
  batch.segments = {{0, 1, first, 2}, {1, 1, first, 2}, {2, 1, first + 2, 3}};
  const torch::Tensor twice_TD = model->append(batch, state, context);
  expect_near(twice_TD[0], 2, {5, 3});
  expect_near(twice_TD[1], 2, {5, 4});
  expect_near(twice_TD[2], 1, {7, 2, 6});
  EXPECT_EQ(read.state->num_tokens(), 3);
}

TEST(Tiger, RowsOfABatchAreThoseAlone) {
  const torch::NoGradGuard no_grad;
  TestContext context;
  const auto model = small_tiger(context, 3, 8);
  const std::vector<Row> rows = random_rows(25);
  std::vector<torch::Tensor> alone;
  for (const Row& row : rows) alone.push_back(model->label_hidden(one_batch({row}), {}));
  EXPECT_LT(farthest(model->label_hidden(one_batch(rows), {}), torch::cat(alone)), 1e-5);
}

TEST(Tiger, RefusesWhatItCannotAnswer) {
  TestContext context;
  const auto model = small_tiger(context, 3, 8);
  EXPECT_TRUE(contains(message_of<Error>([&] {
                         model->hidden(one_row({1, 2}), {});
                       }),
                       "its decoder computes nothing before prefill() has read one"));
  nn::PackedBatch batch = one_batch({{{1, 2, 3}, {4, 5}}});
  batch.label_R[0] = 9;
  EXPECT_TRUE(contains(message_of<Error>([&] { model->label_hidden(batch, {}); }),
                       "the labels of row 0 are not the tokens of one answer behind each other"));
  nn::ForwardOptions checkpointed;
  checkpointed.checkpoint = true;
  EXPECT_TRUE(contains(message_of<ConfigError>([&] {
                         model->label_hidden(one_batch({{{1, 2}, {3}}}), checkpointed);
                       }),
                       "leave out  checkpoint = true"));
  const std::vector<std::vector<int32_t>> prompts = {{1, 2}};
  EXPECT_TRUE(contains(message_of<ConfigError>(
                           [&] { model->prefill(prompts, nullptr, context, /*checkpoint=*/true); }),
                       "leave out  checkpoint = true"));
}

TEST(Tiger, RefusesOtherFamiliesWithFileKeyAndValue) {
  TestContext context;
  const TempFolder folder;
  const fs::path path = folder.path() / "model";
  small_tiger(context, 3, 8)->save(path);
  const std::string config = io::read_text(path / "config.json");
  const auto refusal = [&](const std::string& was, const std::string& now) {
    std::string changed = config;
    changed.replace(changed.find(was), was.size(), now);
    io::write_text(path / "config.json", changed);
    return message_of<DataError>([&] { make_part<Backbone>("tiger", context)->load(path); });
  };
  EXPECT_TRUE(
      contains(refusal("\"feed_forward_proj\": \"relu\"", "\"feed_forward_proj\": \"gated-gelu\""),
               "has feed_forward_proj = \"gated-gelu\"; this backbone computes the T5 with "
               "\"relu\" only"));
  EXPECT_TRUE(contains(refusal("\"num_decoder_layers\": 2", "\"num_decoder_layers\": 3"),
                       "has num_decoder_layers = 3"));
  EXPECT_TRUE(contains(refusal("\"d_ff\": 20", "\"d_ff\": 21"), "config.json asks for [21, 16]"));
  EXPECT_TRUE(contains(refusal("\"num_layers\": 2,\n  \"num_decoder_layers\": 2",
                               "\"num_layers\": 3,\n  \"num_decoder_layers\": 3"),
                       "lacks the tensor 'encoder.block.2."));
}

// They stand before the SIDs, are read from a prompt's text, and belong to the files.
TEST(Tiger, KnowsTokensOfUsers) {
  TestContext context;
  const auto model = small_tiger(context, 2, 3, {{"users", "4"}});
  EXPECT_EQ(model->tokenizer().size(), 1 + 4 + 2 * 3);
  EXPECT_EQ(model->embedding().size(0), 1 + 4 + 2 * 3);
  EXPECT_EQ(model->tokenizer().encode("<user_3>"), Tokens{4});
  EXPECT_EQ(model->tokenizer().find(SidSpelling().token(0, 0)), 5);
  EXPECT_GT(model->embedding()[4].abs().max().item<double>(), 0.1);
  EXPECT_TRUE(contains(message_of<ConfigError>([&] { model->tokenizer().encode("<user_4>"); }),
                       "was given '<user_4>'"));
  const TempFolder folder;
  model->save(folder.path() / "model");
  const auto loaded = make_part<Backbone>("tiger", context);
  loaded->load(folder.path() / "model");
  EXPECT_EQ(loaded->tokenizer().encode("<user_3>"), Tokens{4});
  EXPECT_TRUE(same_bytes(*model, *loaded));
}

TEST(Tiger, SavedItIsReadAgain) {
  TestContext context;
  for (const char* tied : {"true", "false"}) {
    const auto model = small_tiger(context, 3, 8, {{"tied", tied}, {"dropout", "0.25"}});
    const TempFolder folder;
    model->save(folder.path() / "model");
    const auto loaded = make_part<Backbone>("tiger", context);
    loaded->load(folder.path() / "model");
    EXPECT_EQ(loaded->tied(), model->tied());
    EXPECT_TRUE(same_bytes(*model, *loaded));
    EXPECT_EQ(loaded->tokenizer().find(SidSpelling().token(1, 7)), 16);
    loaded->save(folder.path() / "again");
    for (const char* file : {"config.json", "model.safetensors"})
      EXPECT_EQ(io::read_text(folder.path() / "model" / file),
                io::read_text(folder.path() / "again" / file));
  }
}

// --- training ------------------------------------------------------------------------------------

// A dozen items of two levels, and a model of their tokens.
struct TigerWorld : ToyWorld {
  TigerWorld() {
    vocabulary = Vocabulary(sids, 1);
    trie = Trie::build(sids, vocabulary);
    backbone = make_backbone();
  }
  std::shared_ptr<Backbone> make_backbone() {
    TestContext own;
    auto model = make_part<Backbone>("tiger", own, kSmallTiger);
    model->prepare(items, own);
    std::vector<std::string> tokens;
    for (const NewToken& token : vocabulary.tokens()) tokens.push_back(token.text);
    const NewRows rows = fresh_rows(model->vocabulary_rows(), std::ssize(tokens), own);
    model->extend(tokens, rows.input_ED, rows.output_ED);
    return model;
  }
  ToyExamples examples() const { return make_examples(/*with_text_task=*/false); }
  std::shared_ptr<Trainer> start_sft(Backbone& model, const ToyExamples& rows,
                                     const OptionTexts& options) {
    auto trainer = make_part<Trainer>("sft", context, options);
    trainer->start(inputs(model, rows), context);
    return trainer;
  }
};

// Lists and certificates by enumeration of the catalogue.
TEST(Tiger, RankingsAreThoseOfEnumeration) {
  TigerWorld world;
  const T5Formula formula = formula_of(*world.backbone, {.layers = 2, .heads = 3});
  const std::vector<Tokens> prompts = {{1, 4}, {2, 5, 3, 6}, {1, 4}};
  for (const decode::Search search : {decode::Search::beam, decode::Search::exact}) {
    // A beam as wide as the catalogue prunes nothing.
    const int64_t beams = search == decode::Search::beam ? 12 : 5;
    const Rankings lists =
        decode::Decoder(*world.backbone, world.trie, {.search = search, .beams = beams})
            .rank(prompts, world.context);
    for (size_t row = 0; row < prompts.size(); ++row) {
      std::vector<std::pair<double, int64_t>> wanted;
      for (int64_t item = 0; item < world.items.size(); ++item)
        wanted.emplace_back(formula.log_probs(prompts[row], world.vocabulary.ids(world.sids, item))
                                .sum()
                                .item<double>(),
                            item);
      std::sort(wanted.rbegin(), wanted.rend());
      const auto at = static_cast<int64_t>(row);
      EXPECT_EQ(lists.certified_S[at].item<int64_t>(), beams);
      for (int64_t place = 0; place < beams; ++place) {
        EXPECT_EQ(lists.item_SM[at][place].item<int64_t>(),
                  wanted[static_cast<size_t>(place)].second);
        EXPECT_NEAR(lists.score_SM[at][place].item<double>(),
                    wanted[static_cast<size_t>(place)].first, 1e-4);
      }
    }
  }
}

TEST(Tiger, LearnsItsRowsBySft) {
  TigerWorld world;
  const ToyExamples examples = world.examples();
  const auto trainer = world.start_sft(
      *world.backbone, examples,
      {{"batch_rows", "8"}, {"epochs", "60"}, {"learning_rate", "0.01"}, {"warmup_steps", "5"}});
  const double before = trainer->validate(world.context)[0].value;
  for (int64_t i = 0; i < trainer->num_steps(); ++i) trainer->step(i, world.context);
  EXPECT_LT(trainer->validate(world.context)[0].value, before / 3);
}

TEST(Tiger, ResumesToTheSameBytes) {
  TigerWorld world;
  const ToyExamples examples = world.examples();
  expect_exact_resume(
      world,
      [&](Backbone& model) {
        return world.start_sft(model, examples,
                               {{"batch_rows", "4"}, {"epochs", "5"}, {"learning_rate", "0.01"}});
      },
      /*before=*/5, /*after=*/6);
}

// What is dropped follows from the generator alone; a stage's own probability goes before.
TEST(Tiger, DropsInTrainingOnly) {
  const torch::NoGradGuard no_grad;
  TestContext context;
  const nn::PackedBatch batch = one_batch(random_rows(25));
  const auto hidden = [&](const char* dropout, double of_stage, std::optional<uint64_t> seed) {
    TestContext own;
    nn::ForwardOptions options;
    options.dropout = of_stage;
    if (seed) options.generator = at::detail::createCPUGenerator(*seed);
    return small_tiger(own, 3, 8, {{"dropout", dropout}})->label_hidden(batch, options);
  };
  const torch::Tensor plain_RD = hidden("0.0", 0, std::nullopt);
  EXPECT_TRUE(torch::equal(hidden("0.3", 0, std::nullopt), plain_RD));
  EXPECT_TRUE(torch::equal(hidden("0.0", 0, 1), plain_RD));
  const torch::Tensor dropped_RD = hidden("0.3", 0, 1);
  EXPECT_TRUE(torch::equal(hidden("0.3", 0, 1), dropped_RD));
  EXPECT_FALSE(torch::equal(hidden("0.3", 0, 2), dropped_RD));
  EXPECT_TRUE(torch::equal(hidden("0.1", 0.3, 1), dropped_RD));
  // The last dropout is the only one behind the last norm.
  const double zeros = (dropped_RD == 0).to(torch::kFloat64).mean().item<double>();
  EXPECT_NEAR(zeros, 0.3, 0.08);
}

TEST(Tiger, LearnsByGrpo) {
  TigerWorld world;
  const ToyExamples examples = world.examples();
  const auto reward = std::make_shared<ToyReward>(world.sids);
  const std::vector<torch::Tensor> before = nn::values_of(world.backbone->parameters());
  const auto trainer = start_grpo(
      world, *world.backbone, examples, reward,
      {{"batch_prompts", "15"}, {"completions", "6"}, {"learning_rate", "0.003"}, {"epochs", "4"}});
  for (int64_t i = 0; i < trainer->num_steps(); ++i) trainer->step(i, world.context);
  const auto parameters = world.backbone->parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_FALSE(torch::equal(parameters[i].value, before[i])) << parameters[i].name;
    if (!parameters[i].name.starts_with("encoder.")) continue;
    EXPECT_GT(parameters[i].value.grad().abs().max().item<double>(), 0) << parameters[i].name;
  }
}

}  // namespace
}  // namespace tsrec::test
