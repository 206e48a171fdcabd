#include "pipeline/runner.hpp"

#include <algorithm>
#include <chrono>
#include <deque>

#include "pipeline/drive_steps.hpp"
#include "pipeline/key_lock.hpp"
#include "pipeline/progress_file.hpp"
#include "pipeline/run_context.hpp"
#include "pipeline/settings.hpp"
#include "plugin/attribution.hpp"
#include "support/endings.hpp"
#include "support/log.hpp"
#include "support/memory.hpp"
#include "support/roof.hpp"
#include "support/unflushed_file.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {

StageRun::~StageRun() = default;

namespace {

namespace fs = std::filesystem;

class Run final : public StageRun {
 public:
  Run(const Stage& stage, const std::vector<StageResult>& done, fs::path work, RunContext& context,
      double checkpoint_seconds)
      : stage_(stage),
        done_(done),
        work_(std::move(work)),
        context_(context),
        checkpoint_seconds_(checkpoint_seconds),
        out_(work_ / "out") {}
  const Stage& stage() const override { return stage_; }
  const fs::path& input(const StageId& id) const override {
    const bool is_declared =
        std::find(stage_.inputs.begin(), stage_.inputs.end(), id) != stage_.inputs.end();
    for (const StageResult& result : done_) {
      if (is_declared && result.id == id) return result.folder;
    }
    throw Error("the stage '", stage_.id.text(), "' reads '", id.text(),
                "', which is not among its inputs");
  }
  ArtifactWriter& out() override { return out_; }
  Context& context() override { return context_; }
  const fs::path& work() const override { return work_; }
  // With what stands beside the part's own in an artefact. When it returns all of it is on the
  // disk: closing flushes what is written last, and the names of all.
  void close(const std::string& key_text) {
    const fs::path curves = work_ / "curves.jsonl", out = work_ / "out";
    std::vector<fs::path> beside = {out / "key.txt"};
    if (!write_unflushed(beside.front(), key_text))
      throw Error("cannot write ", beside.front().string(),
                  "; free some space and run the same command again");
    if (context_.curve_bytes() > 0) {
      beside.push_back(out / "curves.jsonl");
      fs::copy_file(curves, beside.back());
    }
    for (const fs::path& file : beside) flush(file);
    out_.close();
  }
  int64_t curve_bytes() override { return context_.curve_bytes(); }
  void truncate_curve(int64_t bytes) override { context_.truncate_curve(bytes); }
  void add_listener(Listener& listener) override { context_.add_listener(listener); }
  void remove_listener(Listener& listener) override { context_.remove_listener(listener); }
  double checkpoint_seconds() const override { return checkpoint_seconds_; }

 private:
  const Stage& stage_;
  const std::vector<StageResult>& done_;
  fs::path work_;
  RunContext& context_;
  double checkpoint_seconds_;
  ArtifactWriter out_;
};

// Digests of the stage's inputs; returns the first that is missing.
std::optional<StageId> digests_of(const Stage& stage, const std::vector<StageResult>& done,
                                  std::vector<std::string>& digests) {
  for (const StageId& input : stage.inputs) {
    const auto found =
        std::find_if(done.begin(), done.end(), [&](const StageResult& r) { return r.id == input; });
    if (found == done.end() || found->digest.empty()) return input;
    digests.push_back(found->digest);
  }
  return std::nullopt;
}

// A result belongs to the bytes that its key names.
void refuse_changed_files(const Stage& stage, const Experiment& experiment, const Store& store,
                          const std::vector<StageResult>& done, const std::string& before) {
  std::vector<std::string> digests;
  digests_of(stage, done, digests);
  const std::string now = key_text(stage, experiment.run, digests, store);
  if (now != before)
    throw DataError("what the stage reads changed while it ran (", key_difference(before, now),
                    "); run the same command again");
}

void run_one(const Stage& stage, const Experiment& experiment, const Store& store,
             const std::vector<StageResult>& done, Trackers& trackers, StageResult& result) {
  KeyLock lock(store.lock(result.key), [&](const LockHolder& holder) {
    log(Level::info, stage.id.text() + " waits for " + holder.text() + ", which is making it");
  });
  if (store.has(result.key)) {  // another process was faster
    lock.is_over();
    result.state = StageResult::State::stored;
    result.digest = store.digest(result.key);
    return;
  }
  const fs::path work = store.work(result.key);
  log(Level::info, stage.id.text() + "  (" + result.why + ")");
  const RunningStage named(stage.id.text());
  if (!has_checkpoint(work)) fs::remove(work / "curves.jsonl");
  fs::remove_all(work / "out");
  give_back_what_grew();
  forget_peak_memory();
  const int64_t memory_before = memory_in_use();
  const auto began = std::chrono::steady_clock::now();
  {
    const RunSettings settings = settings_of(stage, experiment.run);
    RunContext context(settings, stage.id.text(), work / "curves.jsonl", &trackers);
    ProgressFile progress(stage.id.text(), work / "progress.json");
    context.add_listener(progress);
    Run run(stage, done, work, context, settings.checkpoint_seconds);
    stage.run(run);
    run.close(result.key_text);
    result.counters = context.counters();
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  result.counters["peak_memory"] = peak_memory();
  // What trains predicts what it takes itself.
  const auto predicted = result.counters.find("predicted_memory");
  if (predicted != result.counters.end()) predicted->second += memory_before;
  refuse_changed_files(stage, experiment, store, done, result.key_text);
  lock.check();
  result.digest = store.commit(result.key, result.seconds);
  lock.is_over();
  result.state = StageResult::State::ran;
}

// Machines are shared: the roof is looked at more than once in a long run.
double roof_after(const StageResult& stage, const RunSettings& run) {
  constexpr double kLongSeconds = 10;
  const auto flops = stage.counters.find("flops");
  const bool counts = flops != stage.counters.end() && flops->second > 0;
  return counts && stage.seconds > kLongSeconds
             ? measured_roof(run.torch_precision, run.torch_device)
             : 0;
}

StageResult start_result(const Stage& stage, const Experiment& experiment, const Store& store,
                         const std::vector<StageResult>& done) {
  StageResult result;
  result.id = stage.id;
  std::vector<std::string> digests;
  result.changed_input = digests_of(stage, done, digests);
  if (result.changed_input) {
    result.why = "its input " + result.changed_input->text() + " changes";
    return result;
  }
  result.key_text = key_text(stage, experiment.run, digests, store);
  result.key = io::sha256(result.key_text);
  result.folder = store.artefact(result.key);
  if (store.has(result.key)) {
    result.state = StageResult::State::stored;
    result.digest = store.digest(result.key);
  } else {
    result.why =
        key_difference(store.closest_key_text(stage.id.text(), result.key_text), result.key_text);
  }
  return result;
}

}  // namespace

RunSettings settings_of(const Stage& stage, const RunSettings& run) {
  RunSettings settings = run;
  settings.seed = stage.seed.value_or(run.seed);
  return settings;
}

std::string key_text(const Stage& stage, const RunSettings& run,
                     const std::vector<std::string>& input_digests, const Store& store) {
  const auto content = [&](const std::string& option, const fs::path& path) {
    return store.content_lines(option, path);
  };
  std::string text =
      "tsrec-key 1\nstage " + stage.id.text() + "\n" + key_lines(settings_of(stage, run));
  for (const PartChoice& part : stage.parts) text += part.key_text(content);
  text += stage.key_lines;
  for (size_t i = 0; i < stage.inputs.size(); ++i)
    text += "input " + stage.inputs[i].text() + " = " + input_digests[i] + "\n";
  return text;
}

std::string reason_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "something was thrown that is no std::exception; parts throw tsrec::Error or what "
           "derives "
           "from std::exception";
  }
}

FailedElsewhere::~FailedElsewhere() = default;
HeldElsewhere::~HeldElsewhere() = default;

Failure failure_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const FailedElsewhere& failed) {
    return failed.failure();
  } catch (const ConfigError& error) {
    return {error.what() + whose_call(thrown), /*is_bad_config=*/true};
  } catch (...) {
    return {reason_of(thrown) + whose_call(thrown)};
  }
}

MakeStage made_here(const Experiment& experiment, const Store& store, Trackers& trackers) {
  return [&](const Stage& stage, const std::vector<StageResult>& done, StageResult& result) {
    run_one(stage, experiment, store, done, trackers, result);
  };
}

void fail(StageResult& result, const std::exception_ptr& thrown, const Store& store) {
  const Failure failure = failure_of(thrown);
  result.state = StageResult::State::failed;
  result.digest.clear();  // nothing goes on from it
  result.why = failure.why;
  result.is_bad_config = failure.is_bad_config;
  fs::create_directories(store.failed(result.key));
  io::write_text(store.failed(result.key) / "error.txt", result.why + "\n");
  log(Level::warning, result.id.text() + " failed");
}

// Looks at what is there, put off until a stage behind it has to be made: where all is stored,
// nobody reads a whole data set to look.
class Looks {
 public:
  explicit Looks(const Store& store) : store_(store) {}
  void put_off(const Stage& stage, size_t number) {
    if (stage.look) waiting_.push_back({&stage, number});
  }
  // Whether all that were put off found nothing wrong; else the first of those stages has failed.
  bool pass(std::vector<StageResult>& done) {
    for (; !is_refused_ && !waiting_.empty(); waiting_.pop_front())
      look(*waiting_.front().stage, done[waiting_.front().number]);
    return !is_refused_;
  }
  void look(const Stage& stage, StageResult& result) {
    try {
      stage.look(result.folder);
    } catch (const Interrupted&) {
      throw;
    } catch (...) {
      fail(result, std::current_exception(), store_);
      is_refused_ = true;
    }
  }

 private:
  struct Waiting {
    const Stage* stage;
    size_t number;
  };
  const Store& store_;
  std::deque<Waiting> waiting_;
  bool is_refused_ = false;
};

// Between this look and the lock itself another worker may come: then the stage waits.
void leave_if_held(const StageResult& stage, const Store& store) {
  const std::optional<LockHolder> holder = KeyLock::holder(store.lock(stage.key));
  if (holder && !store.has(stage.key))
    throw HeldElsewhere(stage.id.text(), " is being made by ", holder->text());
}

std::vector<StageResult> run_stages(const Experiment& experiment, const Store& store,
                                    const MakeStage& make, Trackers& trackers, WhenHeld when_held) {
  std::vector<StageResult> done;
  Looks looks(store);
  for (const Stage& stage : experiment.stages) {
    StageResult result = start_result(stage, experiment, store, done);
    if (result.state != StageResult::State::stored) {
      if (result.key.empty() || !looks.pass(done)) {
        result.why = "not run, because an earlier stage failed";
      } else {
        if (when_held == WhenHeld::leave) leave_if_held(result, store);
        try {
          make(stage, done, result);
          result.roof = roof_after(result, experiment.run);
        } catch (const Interrupted&) {
          throw;
        } catch (...) {
          fail(result, std::current_exception(), store);
        }
      }
    }
    const bool is_stored = result.state == StageResult::State::stored;
    if (is_stored) trackers.replay(stage.id.text(), result.folder / "curves.jsonl");
    const bool is_there = is_stored || result.state == StageResult::State::ran;
    if (is_there && stage.looks_always) looks.look(stage, result);
    if (is_there && !stage.looks_always) looks.put_off(stage, done.size());
    done.push_back(std::move(result));
  }
  return done;
}

StageResult run_stage(const Experiment& experiment, const Store& store, const std::string& name) {
  Trackers nobody;  // the parent has them
  std::vector<StageResult> done;
  for (const Stage& stage : experiment.stages) {
    StageResult result = start_result(stage, experiment, store, done);
    if (stage.id.text() == name) {
      if (result.key.empty()) throw Error("the stage '", name, "' cannot run: ", result.why);
      if (result.state != StageResult::State::stored)
        run_one(stage, experiment, store, done, nobody, result);
      return result;
    }
    done.push_back(std::move(result));
  }
  throw ConfigError("the experiment has no stage '", name, "'");
}

std::vector<StageResult> plan_stages(const Experiment& experiment, const Store& store) {
  std::vector<StageResult> done;
  for (const Stage& stage : experiment.stages)
    done.push_back(start_result(stage, experiment, store, done));
  return done;
}

}  // namespace tsrec::host
