// B: updates of supervised fine-tuning on next-item rows.
#include "jobs.hpp"
#include "measure.hpp"
#include "training.hpp"
#include "tsrec/nn/optimizer.hpp"
#include "tsrec/nn/replicas.hpp"

namespace tsrec::bench {
namespace {

constexpr int64_t kBatchRows = 1024;
constexpr int64_t kComparedRows = 64;  // both sides state their loss on these

double loss_of(const nn::LanguageModel& model, const std::vector<CompiledExample>& rows,
               torch::Device device) {
  const torch::NoGradGuard no_grad;
  double sum = 0, labels = 0;
  for (const nn::PackedBatch& pack : nn::pack(rows, {})) {
    const nn::PackedBatch batch = pack.to(device);
    const torch::Tensor log_prob = nn::label_log_prob(
        model.head(), model.hidden(batch, {}).index_select(0, batch.at_R), batch.label_R);
    sum -= log_prob.sum().item<double>();
    labels += static_cast<double>(log_prob.size(0));
  }
  return sum / labels;
}

// The update without one of the tricks, at the level of the model: rows padded to the longest of
// sixteen neighbours, or the head at every position.
struct Plain {
  bool pads = false, full_head = false;
  int64_t rows_at_once = 16;
};

std::vector<CompiledExample> padded(std::vector<CompiledExample> rows) {
  size_t longest = 0;
  for (const CompiledExample& row : rows) longest = std::max(longest, row.prompt.size());
  for (CompiledExample& row : rows)
    row.prompt.insert(row.prompt.begin(), longest - row.prompt.size(), 0);
  return rows;
}

void plain_step(const nn::LanguageModel& model, std::span<const CompiledExample> rows,
                const Plain& plain, torch::Device device) {
  std::vector<CompiledExample> chunk(rows.begin(), rows.end());
  if (plain.pads) chunk = padded(std::move(chunk));
  for (const nn::PackedBatch& pack :
       nn::pack(chunk, {.max_tokens = 1 << 20, .share_prefix = false})) {
    const nn::PackedBatch batch = pack.to(device);
    const torch::Tensor hidden = model.hidden(batch, {});
    if (!plain.full_head) {
      nn::label_log_prob(model.head(), hidden.index_select(0, batch.at_R), batch.label_R)
          .sum()
          .backward();
      continue;
    }
    const torch::Tensor logits = torch::matmul(hidden, model.head().weight_VD.t());
    torch::log_softmax(logits, 1).index({batch.at_R, batch.label_R}).sum().backward();
  }
}

void ablation(const World& world, const std::string& name, const Plain& plain,
              const JobOptions& options) {
  const auto backbone = world.make_backbone();
  nn::FlatParameters parameters(backbone->parameters());
  nn::AdamW optimizer(parameters, {});
  nn::ModelWorkers workers(*backbone, parameters, world.context.device());
  const int64_t rows = 256;
  Line line(world.id('B'), name, world.context.machine());
  line.seconds(timed(std::min<int64_t>(options.repeats, 2), [&] {
    workers.accumulate(static_cast<size_t>(rows / plain.rows_at_once),
                       [&](const nn::LanguageModel& model, size_t part) {
                         plain_step(model,
                                    std::span(world.train)
                                        .subspan(part * static_cast<size_t>(plain.rows_at_once),
                                                 static_cast<size_t>(plain.rows_at_once)),
                                    plain, world.context.device());
                       });
    optimizer.step(1e-5);
  }));
  line.rate("rows_per_second", static_cast<double>(rows)).print();
}

void trainer_line(const World& world, const std::string& name, const kit::OptionTexts& extra,
                  const JobOptions& options) {
  const int64_t rows = options.rows > 0 ? options.rows : kBatchRows;
  Training training(world, world.make_backbone(), world.train, sft_part(rows, extra));
  Line line(world.id('B'), name, world.context.machine());
  line.seconds(timed(options.repeats, [&] { training.step(); }));
  line.rate("rows_per_second", static_cast<double>(rows)).work(world.context.counters).print();
}

}  // namespace

void run_sft(const JobOptions& options) {
  const World world(options);
  Line line(world.id('B'), "parity", world.context.machine());
  line.set("rows", kComparedRows)
      .set("loss", loss_of(*world.make_backbone(),
                           {world.train.begin(), world.train.begin() + kComparedRows},
                           world.context.device()))
      .print();
  trainer_line(world, "packed, shared prefixes, label-only head", {}, options);
  if (!options.ablations) return;
  trainer_line(world, "no shared prefixes", {{"share_prefix", "false"}}, options);
  trainer_line(world, "activation checkpointing", {{"checkpoint", "true"}}, options);
  ablation(world, "no shared prefixes, padded", {.pads = true}, options);
  ablation(world, "no shared prefixes, head everywhere", {.full_head = true}, options);
  ablation(world, "no shared prefixes, padded, head everywhere", {.pads = true, .full_head = true},
           options);
}

}  // namespace tsrec::bench
