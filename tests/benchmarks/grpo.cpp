// D: one update of GRPO, 8 prompts x 16 completions (--rows N: N prompts).
#include <fstream>
#include <nlohmann/json.hpp>

#include "jobs.hpp"
#include "measure.hpp"
#include "tsrec/decode/decoder.hpp"
#include "tsrec/testing/subject.hpp"
#include "world.hpp"

namespace tsrec::bench {
namespace {

constexpr int64_t kCompletions = 16;

// Rows of which half have their target among the completions: only those give an advantage.
std::vector<CompiledExample> chosen_rows(const World& world, const nn::LanguageModel& backbone,
                                         int64_t count) {
  const torch::NoGradGuard no_grad;
  decode::DecodeOptions beam;
  beam.beams = kCompletions;
  beam.suffix = world.suffix;
  const decode::Decoder decoder(backbone, world.trie, beam);
  std::vector<CompiledExample> rows;
  int64_t hits = 0, misses = 0;
  constexpr size_t kAtOnce = 256;
  for (size_t begin = 0; begin + kAtOnce <= world.train.size() && hits < count / 2;
       begin += kAtOnce) {
    const auto first = world.train.begin() + static_cast<std::ptrdiff_t>(begin);
    const std::vector<CompiledExample> candidates(first, first + kAtOnce);
    const Rankings lists = decoder.rank(world.prompts(candidates), world.context);
    for (size_t i = 0; i < candidates.size(); ++i) {
      const bool is_hit =
          (lists.item_SM[static_cast<int64_t>(i)] == candidates[i].target_item).any().item<bool>();
      if (++(is_hit ? hits : misses) <= count / 2) rows.push_back(candidates[i]);
    }
  }
  return rows;
}

}  // namespace

void run_grpo(const JobOptions& options) {
  const World world(options);
  const auto backbone = world.make_backbone();
  const std::vector<CompiledExample> rows =
      chosen_rows(world, *backbone, options.rows > 0 ? options.rows : 8);
  std::ofstream chosen(options.folder / "grpo.jsonl");
  for (const CompiledExample& row : rows) {
    chosen << nlohmann::ordered_json{{"prompt", row.prompt}, {"target", row.target}} << '\n';
  }
  chosen.close();
  const auto examples = example_set(rows, world.suffix);
  const kit::Subject reward =
      kit::part_of(plugin_file("reward", "ranking"), "reward", "exact_match");
  const auto trainer =
      kit::part_of(plugin_file("trainer", "grpo"), "trainer", "grpo",
                   {{"batch_prompts", std::to_string(rows.size())},
                    {"completions", std::to_string(kCompletions)},
                    {"epochs", "1000"},
                    {"schedule", "constant"},
                    {"learning_rate", "1e-9"}})
          .with("reward", {{"exact_match", [&](Context& context) { return reward.make(context); }}})
          .make_as<Trainer>(world.context);
  const Dataset data;
  const std::vector<TokenNote> notes;
  trainer->start({*backbone, *examples, *examples, world.sids, world.trie, data, notes},
                 world.context);
  int64_t step = 0;
  Line line(world.id('D'), c10::str(rows.size(), " prompts x ", kCompletions, " beams"),
            world.context.machine());
  line.seconds(timed(options.repeats, [&] {
    world.context.counters.clear();
    trainer->step(step++, world.context);
  }));
  line.rate("prompts_per_second", static_cast<double>(rows.size())).work(world.context.counters);
  // Of the first update: later ones start from other weights.
  line.set("gradient_norm", world.context.numbers["train.gradient_norm"].front());
  line.set("reward", world.context.numbers["train.reward"].front());
  line.print();
}

}  // namespace tsrec::bench
