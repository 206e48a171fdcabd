#include "pipeline/drive_steps.hpp"

#include <algorithm>
#include <chrono>

#include "plugin/attribution.hpp"
#include "support/memory.hpp"
#include "tsrec/train/best_state.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// What the loop itself remembers.
struct Progress {
  int64_t next = 0, bad = 0;  // the step to come; validations in a row that were no better
  train::BestState best;
};

// Says when time alone asks for a checkpoint: after so many seconds, and never so often that more
// than a twentieth of the time goes into writing them.
class CheckpointClock {
 public:
  explicit CheckpointClock(double seconds) : seconds_(seconds), last_(Clock::now()) {}

  bool is_due() const {
    constexpr double kLeastShare = 20;
    const double since = std::chrono::duration<double>(Clock::now() - last_).count();
    return seconds_ == 0 || since >= std::max(seconds_, kLeastShare * took_);
  }
  template <class Save>
  void time(const Save& save) {
    const Clock::time_point began = Clock::now();
    save();
    last_ = Clock::now();
    took_ = std::chrono::duration<double>(last_ - began).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  double seconds_, took_ = 0;
  Clock::time_point last_;
};

std::optional<fs::path> newest_checkpoint(const fs::path& work) {
  for (const char* name : {"checkpoint", "checkpoint.old"}) {
    if (fs::exists(work / name)) return work / name;
  }
  return std::nullopt;
}

// One artifact after the other, so that no two of them are in memory at once.
void write_into(const fs::path& folder, const std::function<void(ArtifactWriter&)>& write) {
  ArtifactWriter writer(folder);
  write(writer);
  writer.close();
}

// Written beside the old checkpoint and renamed into its place; a reader finds the new one, or else
// the old one.
void save_checkpoint(StageRun& run, Stepwise& part, const Observers& observers,
                     const std::optional<StartWatch>& watch, const Progress& progress) {
  const fs::path fresh = run.work() / "checkpoint.new", current = run.work() / "checkpoint",
                 old = run.work() / "checkpoint.old";
  fs::remove_all(fresh);
  write_into(fresh / "state", [&](ArtifactWriter& writer) { part.save_state(writer); });
  write_into(fresh / "parameters",
             [&](ArtifactWriter& writer) { nn::save_values(part.parameters(), writer); });
  write_into(fresh / "best", [&](ArtifactWriter& writer) { progress.best.save(writer); });
  for (const StartedObserver& observer : observers.started()) {
    write_into(fresh / "observers" / observer.name,
               [&](ArtifactWriter& writer) { observer.part->save_state(writer); });
  }
  if (watch) write_into(fresh / "watch", [&](ArtifactWriter& writer) { watch->save(writer); });
  write_into(fresh / "loop", [&](ArtifactWriter& writer) {
    writer.number("next", static_cast<double>(progress.next));
    writer.number("bad", static_cast<double>(progress.bad));
    writer.number("curve_bytes", static_cast<double>(run.curve_bytes()));
  });
  fs::remove_all(old);
  if (fs::exists(current)) fs::rename(current, old);
  fs::rename(fresh, current);
  fs::remove_all(old);
}

// Puts the part, which its entry has made ready, and its observers where the checkpoint was taken.
Progress resumed(StageRun& run, Stepwise& part, const Observers& observers,
                 std::optional<StartWatch>& watch, const fs::path& checkpoint) {
  const ArtifactReader loop(checkpoint / "loop");
  Progress progress;
  progress.next = static_cast<int64_t>(loop.number("next"));
  progress.bad = static_cast<int64_t>(loop.number("bad"));
  progress.best.load(ArtifactReader(checkpoint / "best"));
  nn::load_values(part.parameters(), ArtifactReader(checkpoint / "parameters"));
  part.load_state(ArtifactReader(checkpoint / "state"));
  for (const StartedObserver& observer : observers.started())
    observer.part->load_state(ArtifactReader(checkpoint / "observers" / observer.name));
  if (watch) watch->load(ArtifactReader(checkpoint / "watch"));
  run.truncate_curve(static_cast<int64_t>(loop.number("curve_bytes")));
  run.context().log(Level::info, c10::str("going on at step ", progress.next));
  return progress;
}

// The observers hear what the stage says while its steps are driven.
class Listening {
 public:
  Listening(StageRun& run, Listener& listener) : run_(run), listener_(listener) {
    run_.add_listener(listener_);
  }
  ~Listening() { run_.remove_listener(listener_); }
  Listening(const Listening&) = delete;
  Listening& operator=(const Listening&) = delete;

 private:
  StageRun& run_;
  Listener& listener_;
};

bool is_number(const std::string& select) { return select != "best" && select != "last"; }

// Of the number that is selected by; null where these are without it.
const Number* selected(const Numbers& numbers, const DriveSettings& settings) {
  if (settings.select == "watched") return watched_number(numbers, settings.watch);
  const auto found = std::find_if(numbers.begin(), numbers.end(), [&](const Number& number) {
    return number.name == settings.select;
  });
  return found != numbers.end() ? &*found : nullptr;
}

double badness(const Number& number) {
  return number.better == Better::lower ? number.value : -number.value;
}

// What the best state has least of; none: nothing is selected.
std::optional<double> criterion(const Numbers& numbers, const DriveSettings& settings) {
  if (!is_number(settings.select)) {
    const bool has_loss = !numbers.empty() && numbers.front().name == "loss";
    return has_loss ? std::optional(numbers.front().value) : std::nullopt;
  }
  const Number* number = selected(numbers, settings);
  if (number != nullptr) return badness(*number);
  if (settings.select == "watched") return std::nullopt;
  std::vector<std::string> known;
  for (const Number& measured : numbers) known.push_back(measured.name);
  throw ConfigError("select = \"", settings.select,
                    "\", but validation measures no such number; it has ", c10::Join(", ", known));
}

// Before the first step: what the part is to be compared with, and the first state to select from.
void measure_start(Stepwise& part, const DriveSettings& settings, StartWatch& watch,
                   Progress& progress, Context& context) {
  const Numbers numbers = settings.more_numbers();
  for (const Number& number : numbers) context.number("valid." + number.name, number.value, 0);
  watch.begin(numbers, context);
  const Number* number = is_number(settings.select) ? selected(numbers, settings) : nullptr;
  if (number != nullptr) progress.best.offer(badness(*number), 0, part.parameters());
}

// Returns whether the comparison with the start ends the training.
bool validate(Part& made, const DriveSettings& settings, std::optional<StartWatch>& watch,
              Progress& progress, Context& context) {
  Stepwise& part = *steps_of(made);
  Numbers numbers = validated(part, progress.next, context);
  if (settings.more_numbers) {
    for (Number& number : settings.more_numbers()) numbers.push_back(std::move(number));
  }
  const std::optional<double> value = criterion(numbers, settings);
  if (!value && settings.patience.value_or(0) > 0) {
    in_the_name_of(made, "validate()", [&] {
      throw ConfigError("patience = ", *settings.patience,
                        " stops when the validation loss falls no more, but validate() measures no "
                        "'loss'; set patience = 0, or select a number that curve_rows measures");
    });
  }
  if (numbers.empty()) return false;
  std::string line;
  for (const Number& number : numbers) {
    context.number("valid." + number.name, number.value, progress.next);
    line += c10::str(line.empty() ? "" : ", ", number.name, " ", number.value);
  }
  const bool is_lost = watch && watch->look(numbers, progress.next, context);
  // The best of a few states, each known to the width of its interval only, may well be none: what
  // takes the place of a trained model has to be better for sure.
  const bool may_replace = settings.select != "watched" || !watch || watch->is_surely_better();
  const bool is_better =
      value && may_replace && progress.best.offer(*value, progress.next, part.parameters());
  context.log(Level::info,
              c10::str("step ", progress.next, ": ", line, is_better ? "  (best so far)" : ""));
  if (value) progress.bad = is_better ? 0 : progress.bad + 1;
  return is_lost;
}

// Puts the state that is handed on into the parameters; returns the number of its steps. start:
// only where the training goes back to it.
int64_t keep(Stepwise& part, const DriveSettings& settings, const train::BestState* start,
             const Progress& progress, Context& context) {
  const train::BestState& best = start != nullptr ? *start : progress.best;
  const bool is_chosen = start != nullptr || settings.select != "last";
  if (!is_chosen || !best.restore(part.parameters())) return progress.next;
  context.log(Level::info, best.step() == 0 ? std::string("keeps the state that it started from")
                                            : c10::str("keeps the state of step ", best.step()));
  return best.step();
}

}  // namespace

Driven drive_steps(StageRun& run, Part& made, const DriveSettings& settings) {
  Stepwise* const part = steps_of(made);
  if (part == nullptr) return {};
  Context& context = run.context();
  Observers observers(settings.observers);
  const Listening listening(run, observers);
  const int64_t steps = part->num_steps();
  std::optional<StartWatch> watch;
  if (settings.against_start && steps > 0) watch.emplace(settings.watch, *settings.against_start);
  train::BestState start;  // what the entry has made ready, also behind a stop
  if (watch && watch->reverts()) start.offer(0, 0, part->parameters());
  const auto checkpoint = newest_checkpoint(run.work());
  Progress progress;
  if (checkpoint) {
    progress = resumed(run, *part, observers, watch, *checkpoint);
  } else if (watch) {
    measure_start(*part, settings, *watch, progress, context);
  }
  CheckpointClock clock(run.checkpoint_seconds());
  const auto save = [&] {
    clock.time([&] { save_checkpoint(run, *part, observers, watch, progress); });
    // Steps of ever other sizes leave pieces that fit nothing, more from step to step. To ask the
    // system for the pages of a step again costs a tenth of one: about once a minute that is
    // nothing.
    give_back_freed_memory();
  };
  const int64_t every =
      settings.validate_every ? settings.validate_every(steps) : part->validate_every();
  const int64_t patience = settings.patience.value_or(part->patience());
  std::string stopped;
  bool is_lost = false;  // against the start, and that ends it
  // What making the part ready left, such as the weights as they were read.
  give_back_freed_memory();
  while (progress.next < steps) {
    part->step(progress.next, context);
    ++progress.next;
    context.progress(run.stage().id.text(), progress.next, steps);
    const bool is_last = progress.next == steps;
    const bool validates = is_last || (every > 0 && progress.next % every == 0);
    if (validates) is_lost = validate(made, settings, watch, progress, context);
    stopped = observers.look(progress.next - 1, validates, context);
    if (!stopped.empty() && !validates)  // as behind the last step
      is_lost = validate(made, settings, watch, progress, context);
    if (is_lost) stopped += (stopped.empty() ? "" : "; ") + watch->reason();
    if (!stopped.empty()) {
      context.log(Level::info,
                  c10::str("ended at step ", progress.next, " of ", steps, " by ", stopped));
      break;
    }
    if (patience > 0 && progress.bad >= patience) {
      context.log(Level::info,
                  c10::str("stopped early: ", progress.bad, " validations that were no better"));
      break;
    }
    if (context.stopping() && !is_last) {
      save();
      throw Interrupted(c10::str("stopped at step ", progress.next, " of ", steps, " of ",
                                 run.stage().id.text()));
    }
    const bool is_asked_for =
        settings.checkpoint_every > 0 && progress.next % settings.checkpoint_every == 0;
    if (!is_last && (validates || is_asked_for || clock.is_due())) save();
  }
  Driven driven{progress.next, stopped};
  const int64_t kept =
      keep(*part, settings, is_lost && watch->reverts() ? &start : nullptr, progress, context);
  if (watch) driven.against_start = watch->known(kept);
  part->finish(context);
  return driven;
}

bool has_checkpoint(const fs::path& work) { return newest_checkpoint(work).has_value(); }

}  // namespace tsrec::host
