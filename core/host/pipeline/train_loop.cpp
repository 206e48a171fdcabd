#include "pipeline/train_loop.hpp"

#include "pipeline/run_context.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

struct LoopState {
  int64_t next = 0, best_step = -1, bad = 0;
  double best_value = std::numeric_limits<double>::infinity();  // lower is better
  std::vector<torch::Tensor> best;                              // weights of the best validation
};

std::vector<torch::Tensor> weights_of(Backbone& policy) {
  std::vector<torch::Tensor> weights;
  for (const nn::Parameter& parameter : policy.parameters())
    weights.push_back(parameter.value.detach().clone());
  return weights;
}

void set_weights(Backbone& policy, const std::vector<torch::Tensor>& weights) {
  const torch::NoGradGuard no_grad;
  const auto parameters = policy.parameters();
  for (size_t i = 0; i < weights.size(); ++i) parameters[i].value.copy_(weights[i]);
}

// Written beside the old checkpoint and renamed into its place; a reader finds the new one, or else
// the old one.
void save_checkpoint(StageRun& run, const Trainer& trainer, const Backbone& policy,
                     const LoopState& state) {
  const fs::path fresh = run.work() / "checkpoint.new", current = run.work() / "checkpoint",
                 old = run.work() / "checkpoint.old";
  fs::remove_all(fresh);
  ArtifactWriter writer(fresh);
  policy.save(writer.folder("model"));
  {
    ArtifactWriter trainer_state(fresh / "trainer");
    trainer.save_state(trainer_state);
    trainer_state.close();
  }
  writer.number("next", static_cast<double>(state.next));
  writer.number("best_step", static_cast<double>(state.best_step));
  writer.number("bad", static_cast<double>(state.bad));
  writer.number("best_value", state.best_value);
  for (size_t i = 0; i < state.best.size(); ++i) writer.tensor(c10::str("best.", i), state.best[i]);
  writer.number("best_count", static_cast<double>(state.best.size()));
  auto* context = dynamic_cast<RunContext*>(&run.context());
  writer.number("curve_bytes",
                context != nullptr ? static_cast<double>(context->curve_bytes()) : 0);
  writer.close();
  fs::remove_all(old);
  if (fs::exists(current)) fs::rename(current, old);
  fs::rename(fresh, current);
  fs::remove_all(old);
}

std::optional<fs::path> newest_checkpoint(const fs::path& work) {
  for (const char* name : {"checkpoint", "checkpoint.old"}) {
    if (fs::exists(work / name)) return work / name;
  }
  return std::nullopt;
}

LoopState load_state(StageRun& run, const fs::path& checkpoint) {
  const ArtifactReader reader(checkpoint);
  LoopState state;
  state.next = static_cast<int64_t>(reader.number("next"));
  state.best_step = static_cast<int64_t>(reader.number("best_step"));
  state.bad = static_cast<int64_t>(reader.number("bad"));
  state.best_value = reader.number("best_value");
  const auto count = static_cast<int64_t>(reader.number("best_count"));
  for (int64_t i = 0; i < count; ++i) state.best.push_back(reader.tensor(c10::str("best.", i)));
  if (auto* context = dynamic_cast<RunContext*>(&run.context())) {
    context->truncate_curve(static_cast<int64_t>(reader.number("curve_bytes")));
  }
  return state;
}

// What the best state has least of.
double criterion(const Numbers& numbers, const std::string& select) {
  if (select == "best" || select == "last") return numbers.front().value;
  std::vector<std::string> known;
  for (const Number& number : numbers) {
    if (number.name == select) return -number.value;
    known.push_back(number.name);
  }
  throw ConfigError("select = \"", select, "\", but validation measures no such number; it has ",
                    c10::Join(", ", known));
}

void validate(Trainer& trainer, Backbone& policy, const TrainLoopSettings& settings,
              LoopState& state, Context& context) {
  Numbers numbers = trainer.validate(context);
  if (settings.more_numbers) {
    for (Number& number : settings.more_numbers()) numbers.push_back(std::move(number));
  }
  std::string line;
  for (const Number& number : numbers) {
    context.number("valid." + number.name, number.value, state.next);
    line += c10::str(line.empty() ? "" : ", ", number.name, " ", number.value);
  }
  const double value = criterion(numbers, settings.select);
  const bool is_better = value < state.best_value;
  context.log(Level::info,
              c10::str("step ", state.next, ": ", line, is_better ? "  (best so far)" : ""));
  state.bad = is_better ? 0 : state.bad + 1;
  if (!is_better) return;
  state.best_value = value;
  state.best_step = state.next;
  state.best = weights_of(policy);
}

}  // namespace

int64_t train_loop(StageRun& run, Trainer& trainer, Backbone& policy,
                   const TrainLoopSettings& settings, const std::function<void()>& start) {
  Context& context = run.context();
  LoopState state;
  const auto checkpoint = newest_checkpoint(run.work());
  if (checkpoint) {
    state = load_state(run, *checkpoint);
    policy.load(*checkpoint / "model");
  } else if (auto* own = dynamic_cast<RunContext*>(&context)) {
    own->truncate_curve(0);
  }
  start();
  if (checkpoint) {
    trainer.load_state(ArtifactReader(*checkpoint / "trainer"));
    context.log(Level::info, c10::str("going on at step ", state.next));
  }
  const int64_t steps = trainer.num_steps(), every = settings.validate_every(steps);
  while (state.next < steps) {
    trainer.step(state.next, context);
    ++state.next;
    context.progress(run.stage().id.text(), state.next, steps);
    const bool is_last = state.next == steps;
    const bool validates = is_last || (every > 0 && state.next % every == 0);
    if (validates) validate(trainer, policy, settings, state, context);
    if (settings.patience > 0 && state.bad >= settings.patience) {
      context.log(Level::info,
                  c10::str("stopped early: ", state.bad, " validations that were no better"));
      break;
    }
    if (context.stopping() && !is_last) {
      save_checkpoint(run, trainer, policy, state);
      throw Interrupted(
          c10::str("stopped at step ", state.next, " of ", steps, " of ", run.stage().id.text()));
    }
    const bool saves =
        validates || (settings.checkpoint_every > 0 && state.next % settings.checkpoint_every == 0);
    if (saves && !is_last) save_checkpoint(run, trainer, policy, state);
  }
  if (settings.select != "last" && !state.best.empty()) {
    set_weights(policy, state.best);
    context.log(Level::info, c10::str("keeps the state of step ", state.best_step));
  }
  return state.next;
}

}  // namespace tsrec::host
