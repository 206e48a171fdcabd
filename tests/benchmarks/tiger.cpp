// E3: updates of TIGER, and the catalogue ranked by it, beam 20.
#include <fstream>
#include <nlohmann/json.hpp>

#include "jobs.hpp"
#include "measure.hpp"
#include "tsrec/decode/decoder.hpp"
#include "tsrec/nn/head.hpp"
#include "tsrec/parts/initializer.hpp"
#include "tsrec/parts/source.hpp"
#include "tsrec/testing/subject.hpp"
#include "world.hpp"

namespace tsrec::bench {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kBatchRows = 256, kBeams = 20;
constexpr int64_t kComparedRows = 64, kComparedUsers = 64;  // both sides state loss and lists

// A catalogue, its SIDs and its rows as token ids, and a T5 of the published size.
struct TigerWorld {
  explicit TigerWorld(const JobOptions& options) : context(machine_of(options)) {
    const bool is_real = !options.data.empty();
    const auto source = kit::make_part<Source>(
        plugin_file("source", is_real ? "published_files" : "synthetic"),
        is_real ? "lc_rec" : "synthetic", context,
        is_real ? kit::OptionTexts{{"folder", options.data.string()}}
                : kit::OptionTexts{{"items", "4344"}, {"users", "8317"}, {"max_history", "20"}});
    data = source->load(context);
    sids = source->sids(data.items, context).value_or(generated_sids(data.items.size(), context));
    model = kit::make_part<Backbone>(plugin_file("backbone", "tiger"), "tiger", context,
                                     {{"dropout", "0"}});  // so that losses can be compared
    model->prepare(data.items, context);
    vocabulary = Vocabulary(sids, static_cast<int32_t>(model->tokenizer().size()));
    std::vector<std::string> tokens;
    for (const NewToken& token : vocabulary.tokens()) tokens.push_back(token.text);
    const NewRows rows =
        fresh_rows(model->vocabulary_rows(), static_cast<int64_t>(tokens.size()), context);
    model->extend(tokens, rows.input_ED, rows.output_ED);
    trie = Trie::build(sids, vocabulary);
    const PromptCompiler compiler(wording_of({"sids_only"}), model->tokenizer(), sids, vocabulary);
    for (int64_t r = 0; r < data.train.size(); ++r)
      train.push_back(next_item(compiler, data.train, r));
    for (int64_t r = 0; r < data.test.size(); ++r)
      test.push_back(next_item(compiler, data.test, r));
  }

  void write(const fs::path& folder) const {
    fs::create_directories(folder / "model");
    model->save(folder / "model");
    write_rows(folder / "train.jsonl", train);
    write_rows(folder / "test.jsonl", test);
    write_catalogue(folder / "catalogue.jsonl", sids, vocabulary);
    std::ofstream(folder / "facts.json")
        << ordered_json{{"suffix", std::vector<int32_t>()}, {"sizes", sids.sizes}}.dump(1) << '\n';
  }

  mutable MachineContext context;
  Dataset data;
  SidTable sids;
  std::shared_ptr<Backbone> model;
  Vocabulary vocabulary;
  Trie trie;
  std::vector<CompiledExample> train, test;
};

double loss_of(const nn::LanguageModel& model, const std::vector<CompiledExample>& rows) {
  const torch::NoGradGuard no_grad;
  double sum = 0, labels = 0;
  for (const nn::PackedBatch& batch : nn::pack(rows, {.share_prefix = false})) {
    const torch::Tensor log_prob =
        nn::label_log_prob(model.head(), model.label_hidden(batch, {}), batch.label_R);
    sum -= log_prob.sum().item<double>();
    labels += static_cast<double>(log_prob.size(0));
  }
  return sum / labels;
}

int64_t tokens_of(std::span<const CompiledExample> rows) {
  int64_t tokens = 0;
  for (const CompiledExample& row : rows) tokens += std::ssize(row.prompt) + std::ssize(row.target);
  return tokens;
}

// The first rows, again and again, so that the peer's updates are of the same rows.
void train_line(const TigerWorld& world, const JobOptions& options) {
  const int64_t rows = options.rows > 0 ? options.rows : kBatchRows;
  const std::vector<CompiledExample> batch(world.train.begin(), world.train.begin() + rows);
  const std::vector<int32_t> no_suffix;
  const auto examples = example_set(batch, no_suffix);
  const auto trainer = kit::make_part<Trainer>(plugin_file("trainer", "sft"), "sft", world.context,
                                               {{"batch_rows", std::to_string(rows)},
                                                {"schedule", "constant"},
                                                {"learning_rate", "1e-4"},
                                                {"epochs", "1000"}});
  const Dataset none;
  const std::vector<TokenNote> notes;
  trainer->start({*world.model, *examples, *examples, world.sids, world.trie, none, notes},
                 world.context);
  int64_t next = 0;
  Line line("E3", "training: one update", world.context.machine());
  line.seconds(timed(options.repeats, [&] { trainer->step(next++, world.context); }));
  line.rate("rows_per_second", static_cast<double>(rows));
  line.rate("tokens_per_second", static_cast<double>(tokens_of(batch)));
  line.set("rows", rows).set("loss", world.context.numbers["train.loss"].back()).print();
}

std::vector<std::vector<int32_t>> evenly(const std::vector<CompiledExample>& all, int64_t wanted) {
  const auto count = static_cast<int64_t>(all.size()), taken = std::min(count, wanted);
  std::vector<std::vector<int32_t>> prompts;
  for (int64_t i = 0; i < taken; ++i)
    prompts.push_back(all[static_cast<size_t>(i * count / taken)].prompt);
  return prompts;
}

void decode_line(const TigerWorld& world, const std::string& name, decode::Scoring scoring,
                 const std::vector<std::vector<int32_t>>& prompts, int64_t repeats) {
  decode::DecodeOptions chosen;
  chosen.scoring = scoring;
  chosen.beams = kBeams;
  const decode::Decoder decoder(*world.model, world.trie, chosen);
  Line line("E3", "ranking: " + name + ", beam 20", world.context.machine());
  line.seconds(timed(repeats, [&] {
    world.context.counters.clear();
    decoder.rank(prompts, world.context);
  }));
  line.rate("users_per_second", static_cast<double>(prompts.size()));
  line.work(world.context.counters).set("users", prompts.size()).print();
}

}  // namespace

void run_tiger(const JobOptions& options) {
  const TigerWorld world(options);
  const std::vector<CompiledExample> compared(world.train.begin(),
                                              world.train.begin() + kComparedRows);
  Line parity("E3", "parity", world.context.machine());
  parity.set("rows", kComparedRows).set("loss", loss_of(*world.model, compared)).print();
  world.write(options.folder);  // before any update
  train_line(world, options);
  // Beams need an opinion, and the peer the same one.
  world.model->save(options.folder / "trained");
  decode::DecodeOptions full;
  full.beams = kBeams;
  write_lists({*world.model, world.trie, full}, evenly(world.test, kComparedUsers), world.context,
              options.folder / "lists.jsonl");
  const auto all = evenly(world.test, std::ssize(world.test));
  decode_line(world, "legal", decode::Scoring::legal, all, options.repeats);
  decode_line(world, "full", decode::Scoring::full, all, options.repeats);
}

}  // namespace tsrec::bench
