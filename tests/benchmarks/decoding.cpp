// C: the catalogue ranked for every test user, beam 50.
#include "jobs.hpp"
#include "measure.hpp"
#include "tsrec/decode/decoder.hpp"
#include "world.hpp"

namespace tsrec::bench {
namespace {

using decode::Scoring;

constexpr int64_t kBeams = 50;
constexpr int64_t kComparedUsers = 16;  // both sides state their lists for these

std::vector<std::vector<int32_t>> evenly(const std::vector<std::vector<int32_t>>& all,
                                         int64_t wanted) {
  const auto count = static_cast<int64_t>(all.size());
  if (wanted <= 0 || wanted >= count) return all;
  std::vector<std::vector<int32_t>> some;
  for (int64_t i = 0; i < wanted; ++i) some.push_back(all[static_cast<size_t>(i * count / wanted)]);
  return some;
}

void line_of(const World& world, const nn::LanguageModel& backbone, const std::string& name,
             const decode::DecodeOptions& chosen, const std::vector<std::vector<int32_t>>& prompts,
             int64_t repeats) {
  const decode::Decoder decoder(backbone, world.trie, chosen);
  Rankings lists;
  Line line(world.id('C'), name, world.context.machine());
  line.seconds(timed(repeats, [&] {
    world.context.counters.clear();
    lists = decoder.rank(prompts, world.context);
  }));
  line.rate("users_per_second", static_cast<double>(prompts.size())).work(world.context.counters);
  line.set("users", prompts.size());
  for (const int64_t places : {1, 10}) {
    line.set("certified@" + std::to_string(places),
             (lists.certified_S >= places).to(torch::kFloat64).mean().item<double>());
  }
  line.print();
}

}  // namespace

void run_decoding(const JobOptions& options) {
  const World world(options);
  const auto backbone = world.make_backbone();
  const auto all = world.prompts(world.test);
  const auto some = evenly(all, options.rows);
  const auto chosen = [&](Scoring scoring, decode::Search search, int64_t beams) {
    decode::DecodeOptions o;
    o.scoring = scoring;
    o.search = search;
    o.beams = beams;
    o.suffix = world.suffix;
    return o;
  };
  const auto full = chosen(Scoring::full, decode::Search::beam, kBeams),
             legal = chosen(Scoring::legal, decode::Search::beam, kBeams);
  write_lists({*backbone, world.trie, full}, evenly(all, kComparedUsers), world.context,
              options.folder / "lists.jsonl");
  line_of(world, *backbone, "legal, beam 50", legal, some, options.repeats);
  line_of(world, *backbone, "full, beam 50", full, some, options.repeats);
  if (!options.ablations) return;
  line_of(world, *backbone, "legal, exact top 10",
          chosen(Scoring::legal, decode::Search::exact, 10), some, options.repeats);
  line_of(world, *backbone, "full, exact top 10", chosen(Scoring::full, decode::Search::exact, 10),
          some, options.repeats);
  auto one_by_one = legal;
  one_by_one.max_tokens = 1;
  line_of(world, *backbone, "legal, beam 50, users one by one", one_by_one, evenly(all, 64),
          options.repeats);
  // A prompt for every beam, as generate() computes it: nothing is shared.
  {
    const auto few = evenly(all, 8);
    Line line(world.id('C'), "prompts computed once per beam (prefill only)",
              world.context.machine());
    line.seconds(timed(options.repeats, [&] {
      const torch::NoGradGuard no_grad;
      std::vector<CompiledExample> copies;
      for (const auto& prompt : few) {
        CompiledExample row;
        row.prompt = prompt;
        row.target = {0};
        copies.insert(copies.end(), kBeams, row);
      }
      for (const nn::PackedBatch& batch : nn::pack(copies, {.share_prefix = false}))
        backbone->hidden(batch.to(world.context.device()), {});
    }));
    line.rate("users_per_second", static_cast<double>(few.size())).print();
  }
}

}  // namespace tsrec::bench
