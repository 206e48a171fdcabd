#include "world.hpp"

#include <toml++/toml.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "tsrec/parts/causal_backbone.hpp"
#include "tsrec/parts/source.hpp"
#include "tsrec/testing/subject.hpp"

namespace tsrec::bench {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kTokens = 32768 - 1024, kTrainRows = 4096, kTrainSteps = 16;

// A decoder with random weights.
class FreshBackbone final : public CausalBackbone {
 public:
  FreshBackbone(const Context& context, nn::LmShape shape)
      : CausalBackbone(context), shape_(std::move(shape)) {}
  void prepare(const Items& items, Context& context) override {
    std::vector<std::string> texts;
    for (int64_t item = 0; item < items.size(); ++item) {
      for (const std::string& column : items.columns())
        texts.emplace_back(items.text(column, item));
    }
    text::Tokenizer tokenizer = text::Tokenizer::train(texts, kTokens);
    nn::CausalLm model(shape_, precision(), device());
    model.init_random(context.generator("weights", 0));
    set(std::move(tokenizer), std::move(model));
  }

 private:
  nn::LmShape shape_;
};

std::vector<CompiledExample> read_rows(const fs::path& file) {
  std::vector<CompiledExample> rows;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const auto json = ordered_json::parse(line);
    CompiledExample& row = rows.emplace_back();
    row.prompt = json["prompt"].get<std::vector<int32_t>>();
    row.target = json["target"].get<std::vector<int32_t>>();
    row.target_item = json["item"].get<int64_t>();
    row.sample = -1;  // of no data set that a trainer would see
  }
  return rows;
}

std::shared_ptr<Source> source_of(const fs::path& industrial, Context& context) {
  const bool is_real = !industrial.empty();
  const std::string part = is_real ? "minionerec" : "synthetic";
  kit::OptionTexts options;
  if (is_real) options["folder"] = industrial.string();
  if (!is_real) options = {{"items", "3686"}, {"users", "5000"}};
  return kit::make_part<Source>(plugin_file("source", is_real ? "published_files" : "synthetic"),
                                part, context, options);
}

class Rows final : public ExampleSet {
 public:
  Rows(const std::vector<CompiledExample>& rows, const std::vector<int32_t>& suffix)
      : rows_(rows), suffix_(suffix) {}
  int64_t size(Split) const override { return static_cast<int64_t>(rows_.size()); }
  CompiledExample at(Split, int64_t index, int64_t) const override {
    return rows_[static_cast<size_t>(index)];
  }
  int64_t group(Split, int64_t index, int64_t) const override { return index; }
  const std::vector<std::string>& task_names() const override { return names_; }
  const PromptCompiler& compiler() const override {
    throw Error("these rows were compiled before");
  }
  const std::vector<int32_t>& suffix(int32_t) const override { return suffix_; }

 private:
  const std::vector<CompiledExample>& rows_;
  const std::vector<int32_t>& suffix_;
  std::vector<std::string> names_ = {"next_item"};
};

}  // namespace

PromptWording wording_of(const std::vector<std::string>& fragments) {
  PromptWording wording;
  for (const std::string& name : fragments) {
    const fs::path file = fs::path(TSREC_SOURCE_FOLDER) / "configs/prompt" / (name + ".toml");
    const toml::table whole = toml::parse_file(file.string());
    for (const auto& [key, value] : *whole["prompt"].as_table()) {
      const std::string word(key.str());
      if (word == "frame")
        wording.frame = value.value_or("");
      else if (word == "separator")
        wording.separator = value.value_or("");
      else if (value.is_string())
        wording.shared[word] = value.value_or("");
      if (!value.is_table()) continue;
      for (const auto& [slot, text] : *value.as_table())
        wording.forms[word][std::string(slot.str())] = text.value_or("");
    }
  }
  return wording;
}

SidTable generated_sids(int64_t num_items, Context& context) {
  const at::Generator generator = context.generator("sids", 0);
  SidTable sids;
  sids.sizes = {48, 256, 256};
  sids.code_NL = torch::stack({torch::randint(48, {num_items}, generator, torch::kInt64),
                               torch::randint(48, {num_items}, generator, torch::kInt64),
                               torch::randint(256, {num_items}, generator, torch::kInt64)},
                              1);
  return sids;
}

void write_rows(const fs::path& file, const std::vector<CompiledExample>& rows) {
  std::ofstream out(file);
  for (const CompiledExample& row : rows) {
    out << ordered_json{{"prompt", row.prompt}, {"target", row.target}, {"item", row.target_item}}
        << '\n';
  }
}

void write_catalogue(const fs::path& file, const SidTable& sids, const Vocabulary& vocabulary) {
  std::ofstream out(file);
  for (int64_t item = 0; item < sids.num_items(); ++item) {
    std::vector<int64_t> codes;
    for (int64_t level = 0; level < sids.num_levels(); ++level)
      codes.push_back(sids.code_NL[item][level].item<int64_t>());
    out << ordered_json{{"codes", codes}, {"sid", vocabulary.ids(sids, item)}} << '\n';
  }
}

void write_lists(const decode::Decoder& decoder, const std::vector<std::vector<int32_t>>& prompts,
                 Context& context, const fs::path& file) {
  const torch::NoGradGuard no_grad;
  const Rollouts lists = decoder.roll_out(decoder.prefill(prompts, context), std::nullopt, context);
  std::ofstream out(file);
  for (size_t b = 0; b < prompts.size(); ++b) {
    std::vector<double> scores;
    for (int64_t g = 0; g < lists.log_prob_BG.size(1); ++g)
      scores.push_back(lists.log_prob_BG[static_cast<int64_t>(b)][g].item<double>());
    out << ordered_json{{"prompt", prompts[b]}, {"sids", lists.token_BG[b]}, {"scores", scores}}
        << '\n';
  }
}

CompiledExample next_item(const PromptCompiler& compiler, const Samples& samples, int64_t row) {
  Example example;
  example.form = "next_item";
  for (const int64_t item : samples.history(row))
    example.slots["history"].push_back(Piece::sid(item));
  example.slots["answer"] = {Piece::sid(samples.target(row))};
  example.sample = row;
  example.target_item = samples.target(row);
  return compiler.compile(example);
}

fs::path plugin_file(const std::string& kind, const std::string& name) {
  return fs::path(TSREC_PLUGIN_FOLDER) / kind / (name + ".so");
}

std::unique_ptr<ExampleSet> example_set(const std::vector<CompiledExample>& rows,
                                        const std::vector<int32_t>& suffix) {
  return std::make_unique<Rows>(rows, suffix);
}

void write_world(const JobOptions& options) {
  const fs::path& folder = options.folder;
  MachineContext context(machine_of(options));
  const std::shared_ptr<Source> source = source_of(options.data, context);
  Dataset data = source->load(context);
  const std::optional<SidTable> shipped = source->sids(data.items, context);
  const SidTable sids = shipped ? *shipped : generated_sids(data.items.size(), context);
  const nn::LmShape shape = shape_named(options.shape);
  FreshBackbone backbone(context, shape);
  backbone.prepare(data.items, context);
  const Vocabulary vocabulary(sids, static_cast<int32_t>(backbone.tokenizer().size()));
  std::vector<std::string> tokens;
  for (const NewToken& token : vocabulary.tokens()) tokens.push_back(token.text);
  backbone.extend(tokens,
                  0.02 * torch::randn({static_cast<int64_t>(tokens.size()), shape.width},
                                      context.generator("rows", 0)),
                  {});

  const PromptCompiler trained(wording_of({"aligned"}), backbone.tokenizer(), sids, vocabulary);
  const PromptCompiler asked(wording_of({"aligned", "history_last"}), backbone.tokenizer(), sids,
                             vocabulary);
  std::vector<CompiledExample> train, test;
  const int64_t rows = std::min(kTrainRows, data.train.size());
  for (int64_t r = 0; r < rows; ++r)
    train.push_back(next_item(trained, data.train, r * data.train.size() / rows));
  for (int64_t r = 0; r < data.test.size(); ++r) test.push_back(next_item(asked, data.test, r));
  const std::vector<int32_t> suffix = trained.suffix("next_item");

  // Both wordings, so that the model has an opinion in either.
  std::vector<CompiledExample> both = train;
  for (int64_t r = 0; r < rows; ++r)
    both.push_back(next_item(asked, data.train, r * data.train.size() / rows));
  const auto examples = example_set(both, suffix);
  const Trie trie = Trie::build(sids, vocabulary);
  const auto trainer = kit::make_part<Trainer>(plugin_file("trainer", "sft"), "sft", context,
                                               {{"batch_rows", "256"},
                                                {"max_steps", std::to_string(kTrainSteps)},
                                                {"warmup_steps", "2"},
                                                {"learning_rate", "2e-3"}});
  const std::vector<TokenNote> notes;
  trainer->start({backbone, *examples, *examples, sids, trie, data, notes}, context);
  for (int64_t step = 0; step < trainer->num_steps(); ++step) trainer->step(step, context);

  fs::create_directories(folder / "model");
  backbone.save(folder / "model");
  write_rows(folder / "train.jsonl", train);
  write_rows(folder / "test.jsonl", test);
  write_catalogue(folder / "catalogue.jsonl", sids, vocabulary);
  std::ofstream(folder / "facts.json")
      << ordered_json{{"data", options.data.empty() ? "generated" : "industrial"},
                      {"shape", options.shape},
                      {"suffix", suffix},
                      {"sizes", sids.sizes},
                      {"first_sid_token", *backbone.tokenizer().find(tokens.front())},
                      {"loss", context.numbers["train.loss"]}}
             .dump(1)
      << '\n';
}

World::World(const JobOptions& options) : context(machine_of(options)), folder_(options.folder) {
  const fs::path& folder = folder_;
  if (!fs::exists(folder / "facts.json"))
    throw ConfigError("'", folder.string(), "' holds no benchmark world; make one:  run.sh world");
  train = read_rows(folder / "train.jsonl");
  test = read_rows(folder / "test.jsonl");
  const auto facts = ordered_json::parse(std::ifstream(folder / "facts.json"));
  shape_ = facts["shape"].get<std::string>();
  suffix = facts["suffix"].get<std::vector<int32_t>>();
  sids.sizes = facts["sizes"].get<std::vector<int64_t>>();
  std::ifstream catalogue(folder / "catalogue.jsonl");
  std::vector<int64_t> codes;
  for (std::string line; std::getline(catalogue, line);) {
    for (const int64_t code : ordered_json::parse(line)["codes"].get<std::vector<int64_t>>())
      codes.push_back(code);
  }
  sids.code_NL = torch::tensor(codes).view({-1, static_cast<int64_t>(sids.sizes.size())});
  vocabulary = Vocabulary(sids, facts["first_sid_token"].get<int32_t>());
  trie = Trie::build(sids, vocabulary);
}

std::shared_ptr<Backbone> World::make_backbone() const {
  auto backbone = kit::make_part<Backbone>(plugin_file("backbone", "decoder_lm"), "pretrained",
                                           context, {{"path", (folder_ / "model").string()}});
  backbone->prepare({}, context);
  return backbone;
}

std::vector<std::vector<int32_t>> World::prompts(const std::vector<CompiledExample>& rows) const {
  std::vector<std::vector<int32_t>> prompts;
  for (const CompiledExample& row : rows) prompts.push_back(row.prompt);
  return prompts;
}

}  // namespace tsrec::bench
