#include "tsrec/train/updater.hpp"

#include <cmath>

#include "tsrec/world.hpp"

namespace tsrec::train {
namespace {

constexpr double kNoLimit = 1e30;

std::vector<nn::Parameter> as_on_the_first(std::vector<nn::Parameter> parameters, World& world) {
  for (const nn::Parameter& parameter : parameters)
    world.broadcast(parameter.value.detach(), /*root=*/0);
  return parameters;
}

bool is_finite_everywhere(double loss, World& world) {
  const torch::Tensor num_bad = torch::tensor(std::isfinite(loss) ? 0.0 : 1.0);
  world.all_reduce(num_bad);
  return num_bad.item<double>() == 0;
}

std::string list_of(std::span<const int64_t> rows) {
  constexpr size_t kShown = 16;
  std::string text;
  for (size_t i = 0; i < std::min(kShown, rows.size()); ++i)
    text += c10::str(i > 0 ? ", " : "", rows[i]);
  return rows.size() > kShown ? c10::str(text, " and ", rows.size() - kShown, " more") : text;
}

}  // namespace

void UpdaterOptions::declare(Options& o) {
  o.add("learning_rate", learning_rate).range(0, 10).help("peak learning rate of AdamW");
  o.add("schedule", schedule)
      .one_of({"linear", "cosine", "constant"})
      .help("how the learning rate falls after the warm-up");
  o.add("warmup_steps", warmup_steps).at_least(0).unit("steps").help("updates of linear warm-up");
  o.add("floor", floor).range(0, 1).help("share of the peak rate at which the cosine ends");
  o.add("weight_decay", weight_decay).range(0, 10).help("decoupled decay of matrices");
  o.add("beta2", beta2).range(0, 1).help("decay of AdamW's second moment");
  o.add("clip", clip).at_least(0).help("largest gradient norm; 0: never scaled");
  o.add("master_weights", master_weights)
      .help(
          "under bfloat16: float32 master weights and moments; false: all in bfloat16, as the "
          "reference code trains");
}

void declare_checkpoint(Options& o, bool& checkpoint) {
  o.add("checkpoint", checkpoint)
      .not_in_key()
      .help(
          "keep only the input of each block and compute the block again in backward: the same "
          "result, a fraction of the memory, a third more work");
}

Updater::Updater(std::vector<nn::Parameter> parameters, const UpdaterOptions& options,
                 int64_t num_steps, Context& context)
    : options_(options),
      num_steps_(num_steps),
      flat_(as_on_the_first(std::move(parameters), context.world())),
      optimizer_(flat_, nn::AdamWOptions{.beta2 = options.beta2,
                                         .weight_decay = options.weight_decay,
                                         .float32_state = options.master_weights}) {}

void Updater::backward(const torch::Tensor& loss) {
  flat_.zero_gradient();
  loss.backward();
}

void Updater::update(int64_t step, double loss, std::span<const int64_t> rows, Context& context) {
  World& world = context.world();
  world.all_reduce(flat_.gradient());
  gradient_norm_ = flat_.clip(options_.clip > 0 ? options_.clip : kNoLimit);
  if (!is_finite_everywhere(loss, world) || !std::isfinite(gradient_norm_))
    refuse(step, loss, rows);
  const nn::Schedule schedule{options_.schedule, options_.warmup_steps, options_.floor};
  learning_rate_ = options_.learning_rate * schedule.at(step, num_steps_);
  optimizer_.step(learning_rate_);
}

void Updater::report(int64_t step, Context& context) const {
  context.number("train.gradient_norm", gradient_norm_, step);
  context.number("train.learning_rate", learning_rate_, step);
}

void Updater::refuse(int64_t step, double loss, std::span<const int64_t> rows) const {
  std::string where = "all gradients are finite";
  for (const nn::Parameter& parameter : parameters()) {
    if (parameter.value.grad().isfinite().all().item<bool>()) continue;
    where = "the first gradient that is not finite is that of '" + parameter.name + "'";
    break;
  }
  throw Error("step ", step, ": ",
              std::isfinite(loss) ? "a gradient is not finite"
              : std::isnan(loss)  ? "the loss is NaN"
                                  : "the loss is infinite",
              "; ", where, "; its rows: ", list_of(rows),
              ". The weights are those of before the step, and the last checkpoint stays; lower "
              "the learning rate, or look for NaN in these rows");
}

ModelUpdater::ModelUpdater(nn::TrainableModel& model, const UpdaterOptions& options,
                           int64_t num_steps, Context& context)
    : Updater(model.parameters(), options, num_steps, context),
      memory_(context.device().is_cpu() ? model.memory() : std::nullopt),
      workers_(model, flat(), context.device()) {}

void ModelUpdater::predict_memory(nn::TrainingLoad load, Context& context) {
  if (!memory_) return;
  load.workers = num_workers();
  load.float32_state = options().master_weights;
  const nn::TrainingMemory memory = nn::training_memory(*memory_, load);
  if (predicted_ == 0) {
    context.log(Level::info, c10::str("memory: ", memory.text(), ", predicted for ", load.tokens,
                                      " tokens a step"));
  }
  if (memory.total() <= predicted_) return;
  context.count("predicted_memory", memory.total() - predicted_);
  predicted_ = memory.total();
}

}  // namespace tsrec::train
