#include "training.hpp"

namespace tsrec::bench {

kit::Subject sft_part(int64_t rows, const kit::OptionTexts& more) {
  kit::OptionTexts texts = more;  // insert() keeps what is there
  texts.insert({{"batch_rows", std::to_string(rows)},
                {"warmup_steps", "0"},
                {"schedule", "constant"},
                {"learning_rate", "1e-5"},
                {"epochs", "1000"}});
  return kit::part_of(plugin_file("trainer", "sft"), "trainer", "sft", texts);
}

kit::Subject grpo_part(int64_t prompts) {
  const kit::Subject reward =
      kit::part_of(plugin_file("reward", "ranking"), "reward", "exact_match");
  return kit::part_of(plugin_file("trainer", "grpo"), "trainer", "grpo",
                      {{"batch_prompts", std::to_string(prompts)},
                       {"completions", std::to_string(kCompletions)},
                       {"epochs", "1000"},
                       {"schedule", "constant"},
                       {"learning_rate", "1e-9"}})
      .with("reward",
            {{"exact_match", [reward](Context& context) { return reward.make(context); }}});
}

Training::Training(const World& world, std::shared_ptr<Backbone> backbone,
                   std::vector<CompiledExample> rows, const kit::Subject& trainer)
    : world_(world),
      backbone_(std::move(backbone)),
      rows_(std::move(rows)),
      examples_(example_set(rows_, world.suffix)),
      trainer_(trainer.make_as<Trainer>(world.context)) {
  trainer_->start({*backbone_, *examples_, *examples_, world.sids, world.trie, data_, notes_},
                  world.context);
}

void Training::step() {
  world_.context.counters.clear();
  trainer_->step(next_++, world_.context);
}

}  // namespace tsrec::bench
