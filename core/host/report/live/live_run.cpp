#include "report/live/live_run.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "pipeline/expected_seconds.hpp"
#include "pipeline/key_lock.hpp"
#include "pipeline/run_record.hpp"
#include "pipeline/runner.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// Files that a run writes into its folder at its end.
constexpr std::array<const char*, 4> kWrittenAtTheEnd = {"stages.json", "work.json",
                                                         "environment.json", "results.md"};

bool has_result(const StageResult& stage) { return !stage.digest.empty(); }
bool ended_badly(const StageResult& stage) { return stage.state == StageResult::State::failed; }

// A run that was stopped writes a record as well; what goes on from there shows the plan.
bool came_to_its_end(const std::vector<StageResult>& stages) {
  return std::all_of(stages.begin(), stages.end(), has_result) ||
         std::any_of(stages.begin(), stages.end(), ended_badly);
}

ordered_json json_of(const std::optional<LoopProgress>& loop) {
  if (!loop) return nullptr;
  return {{"what", loop->what}, {"done", loop->done}, {"total", loop->total}};
}

// Whole seconds: what follows the point is no news.
ordered_json json_of(const std::optional<double>& seconds) {
  return seconds ? ordered_json(std::round(*seconds)) : ordered_json(nullptr);
}

std::string error_of(const StageResult& stage, const Store& store) {
  const fs::path file = store.failed(stage.key) / "error.txt";
  return fs::exists(file) ? io::read_text(file) : stage.why;
}

}  // namespace

LiveRun::LiveRun(std::string name, fs::path folder, const Experiment& experiment,
                 const Store& store, std::chrono::milliseconds patience)
    : name_(std::move(name)),
      folder_(std::move(folder)),
      experiment_(experiment),
      store_(store),
      patience_(patience) {
  look();
}

void LiveRun::look() {
  if (std::string written = written_down(); stages_.empty() || has_more() || written != written_) {
    written_ = std::move(written);
    read_stages();
    ++revision_;
  }
  look_at_running();
}

// Whether something is stored by now that was not when the stages were read.
bool LiveRun::has_more() const {
  return !has_ended_ && std::any_of(stages_.begin(), stages_.end(), [&](const StageResult& stage) {
    return !has_result(stage) && !stage.key.empty() && store_.has(stage.key);
  });
}

// Which of the files that the run writes at its end are there: a file that takes another's place is
// another one, also where both were written within a tick of the clock.
std::string LiveRun::written_down() const {
  std::string files;
  for (const char* name : kWrittenAtTheEnd) {
    struct stat file {};
    const bool is_there = !folder_.empty() && ::stat((folder_ / name).c_str(), &file) == 0;
    files += is_there
                 ? c10::str(" ", file.st_ino, " ", file.st_mtim.tv_sec, " ", file.st_mtim.tv_nsec)
                 : std::string(" -");
  }
  return files;
}

void LiveRun::read_stages() {
  const bool is_recorded = !folder_.empty() && fs::exists(folder_ / "stages.json");
  if (is_recorded) stages_ = read_run_record(folder_, store_);
  has_ended_ = is_recorded && came_to_its_end(stages_);
  if (!has_ended_) {
    stages_ = plan_stages(experiment_, store_);
    has_ended_ = std::all_of(stages_.begin(), stages_.end(), has_result);
  }
  expected_.clear();
  if (has_ended_) return;
  for (const Stage& stage : experiment_.stages) {
    if (const auto seconds = expected_seconds(stage, experiment_.run, stages_, store_))
      expected_[stage.id.text()] = *seconds;
  }
}

fs::path LiveRun::work(const std::string& key) const { return store_.root() / "work" / key; }

void LiveRun::look_at_running() {
  std::map<std::string, Running> before;
  std::swap(before, running_);
  for (const StageResult& stage : stages_) {
    if (has_result(stage) || stage.key.empty() || has_ended_) continue;
    const std::optional<LockHolder> holder = KeyLock::holder(store_.lock(stage.key));
    if (!holder) continue;
    const auto known = before.find(stage.key);
    Running& running =
        running_
            .emplace(stage.key, known != before.end()
                                    ? std::move(known->second)
                                    : Running{"", {stage.id, work(stage.key) / "curves.jsonl"}})
            .first->second;
    running.by = holder->text();
    running.curves.read();
    read_progress_of(stage.key, running);
    worked_ = Clock::now();
  }
}

void LiveRun::read_progress_of(const std::string& key, Running& running) const {
  const fs::path file = work(key) / "progress.json";
  std::error_code absent;
  const auto time = fs::last_write_time(file, absent);
  if (absent || (running.progress && time == running.said_at)) return;
  running.progress = read_progress(file);
  running.said_at = time;
  const std::chrono::duration<double> since = fs::file_time_type::clock::now() - time;
  running.silent = std::max(0.0, std::floor(since.count()));
}

bool LiveRun::is_running(const StageResult& stage) const { return running_.contains(stage.key); }

bool LiveRun::is_worked_on() const {
  return !running_.empty() || (worked_ && Clock::now() - *worked_ < patience_);
}

std::optional<double> LiveRun::expected(const StageResult& stage) const {
  const auto found = expected_.find(stage.id.text());
  return found == expected_.end() ? std::nullopt : std::optional(found->second);
}

// Steps have a pace. What has none is measured by the one that is like it; without such a one, by
// the loop that it is in, which may not be its last.
std::optional<double> LiveRun::Running::left(std::optional<double> expected) const {
  const auto from_now = [&](std::optional<double> then) {
    return then ? std::optional(std::max(0.0, *then - silent)) : std::nullopt;
  };
  if (progress && progress->steps) {
    if (const auto left = progress->steps->seconds_left()) return from_now(left);
  }
  if (expected && *expected > seconds()) return *expected - seconds();
  return progress && progress->loop ? from_now(progress->loop->seconds_left()) : std::nullopt;
}

std::vector<LiveRun::ToCome> LiveRun::to_come() const {
  std::vector<ToCome> all;
  if (has_ended_) return all;
  for (const StageResult& stage : stages_) {
    if (has_result(stage)) continue;
    const auto running = running_.find(stage.key);
    const bool runs = running != running_.end();
    all.push_back({stage.key, stage.id.text(),
                   runs ? running->second.left(expected(stage)) : expected(stage), runs});
  }
  return all;
}

ordered_json LiveRun::json() const {
  const bool failed = std::any_of(stages_.begin(), stages_.end(), ended_badly);
  const char* state =
      !has_ended_ ? (is_worked_on() ? "running" : "idle") : (failed ? "failed" : "ended");
  ordered_json json = {{"name", name_}, {"seed", experiment_.run.seed}, {"state", state}};
  ordered_json stages = ordered_json::array(), running = ordered_json::array();
  for (const StageResult& stage : stages_) {
    ordered_json entry = {{"name", stage.id.text()}, {"state", "to come"}};
    if (has_result(stage)) {
      entry["state"] = "stored";
      if (const double seconds = store_.seconds(stage.key); seconds > 0) entry["seconds"] = seconds;
    } else if (ended_badly(stage)) {
      entry["state"] = "failed";
      entry["why"] = error_of(stage, store_);
    } else {
      if (is_running(stage)) entry["state"] = "running";
      if (const auto seconds = expected(stage)) entry["expected"] = *seconds;
    }
    stages.push_back(std::move(entry));
    const auto now = running_.find(stage.key);
    if (now == running_.end()) continue;
    const Running& made = now->second;
    running.push_back({{"stage", stage.id.text()},
                       {"by", made.by},
                       {"seconds", std::round(made.seconds())},
                       {"left", json_of(made.left(expected(stage)))},
                       {"steps", json_of(made.progress ? made.progress->steps : std::nullopt)},
                       {"loop", json_of(made.progress ? made.progress->loop : std::nullopt)},
                       {"validation", made.curves.validation_json()},
                       {"curves", made.curves.curves_json()}});
  }
  json["stages"] = std::move(stages);
  json["running"] = std::move(running);
  return json;
}

ordered_json live_json(const std::vector<const LiveRun*>& runs, bool has_ended) {
  double seconds = 0;
  std::set<std::string> counted, unknown, made_now;
  bool is_worked_on = false;
  ordered_json all = ordered_json::array();
  for (const LiveRun* run : runs) {
    all.push_back(run->json());
    is_worked_on = is_worked_on || run->is_worked_on();
    for (const LiveRun::ToCome& stage : run->to_come()) {
      if (!stage.key.empty() && !counted.insert(stage.key).second) continue;
      if (stage.is_running) made_now.insert(stage.key);
      if (stage.seconds)
        seconds += *stage.seconds;
      else
        unknown.insert(stage.name);
    }
  }
  const auto side_by_side = static_cast<double>(std::max<size_t>(1, made_now.size()));
  ordered_json left = nullptr;
  if (!has_ended) left = std::round(seconds / side_by_side);
  return {{"version", 1},
          {"state", has_ended ? "ended" : (is_worked_on ? "running" : "idle")},
          {"left", std::move(left)},
          {"unknown", unknown},
          {"runs", std::move(all)}};
}

}  // namespace tsrec::host
