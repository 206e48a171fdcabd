// D: one update of GRPO, 8 prompts x 16 completions (--rows N: N prompts).
#include <fstream>
#include <nlohmann/json.hpp>

#include "jobs.hpp"
#include "measure.hpp"
#include "training.hpp"
#include "tsrec/decode/decoder.hpp"

namespace tsrec::bench {
namespace {

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
  const auto prompts = static_cast<int64_t>(rows.size());
  Training training(world, backbone, rows, grpo_part(prompts));
  Line line(world.id('D'), c10::str(prompts, " prompts x ", kCompletions, " beams"),
            world.context.machine());
  line.seconds(timed(options.repeats, [&] { training.step(); }));
  line.rate("prompts_per_second", static_cast<double>(prompts)).work(world.context.counters);
  // Of the first update: later ones start from other weights.
  line.set("gradient_norm", world.context.numbers["train.gradient_norm"].front());
  line.set("reward", world.context.numbers["train.reward"].front());
  line.print();
}

}  // namespace tsrec::bench
