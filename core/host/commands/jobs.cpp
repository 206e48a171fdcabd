#include "commands/jobs.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <boost/dll/runtime_symbol_info.hpp>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "pipeline/isolation.hpp"
#include "pipeline/kept_plugins.hpp"
#include "pipeline/trial.hpp"
#include "report/environment.hpp"
#include "support/child.hpp"
#include "support/log.hpp"
#include "support/signals.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point then) {
  return std::chrono::duration<double>(Clock::now() - then).count();
}

// In this process. Throws Interrupted.
JobEnd run_here(const Experiment& experiment, const fs::path& folder, const Arguments& arguments,
                const Store& store) {
  const auto began = Clock::now();
  prepare_process(experiment.run);
  Trackers trackers(experiment, folder);
  JobEnd end;
  end.stages =
      run_stages(experiment, store,
                 arguments.isolate ? made_in_child(store, folder, arguments.plugins, trackers)
                                   : made_here(experiment, store, trackers),
                 trackers);
  end.seconds = seconds_since(began);
  for (const StageResult& stage : end.stages) {
    if (stage.state != StageResult::State::failed || !end.failed.empty()) continue;
    end.failed = stage.id.text();
    end.why = stage.why;
    end.is_bad_config = stage.is_bad_config;
  }
  return end;
}

fs::path outcome_file(const fs::path& folder) { return folder / "outcome.json"; }

// A job in a process of its own: `tsrec job FOLDER`.
class Running {
 public:
  Running(Job job, const Arguments& arguments, const Store& store)
      : job_(std::move(job)),
        began_(Clock::now()),
        program_(command(job_, arguments, store), /*draws=*/false) {}

  const Job& job() const { return job_; }
  int words() const { return program_.words(); }
  void stop() { program_.stop(); }

  // Passes on whole lines, with the job's name before them; returns whether there is more to come.
  bool listen() {
    std::array<char, 4096> buffer;
    const ssize_t got = ::read(program_.words(), buffer.data(), buffer.size());
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    line_.append(buffer.data(), static_cast<size_t>(got));
    for (size_t end = line_.find('\n'); end != std::string::npos; end = line_.find('\n')) {
      say(line_.substr(0, end));
      line_.erase(0, end + 1);
    }
    if (got == 0 && !line_.empty()) say(line_);
    return got > 0;
  }

  // After its last word. Throws Interrupted where it was stopped.
  JobEnd end(const Store& store) {
    const int status = program_.wait();
    JobEnd end;
    if (fs::exists(outcome_file(job_.folder))) {
      const ordered_json outcome = ordered_json::parse(io::read_text(outcome_file(job_.folder)));
      if (outcome.contains("interrupted"))
        throw Interrupted(outcome["interrupted"].get<std::string>());
      end.failed = outcome["failed"].get<std::string>();
      end.why = outcome["why"].get<std::string>();
      end.is_bad_config = outcome["is_bad_config"].get<bool>();
    } else {
      end.failed = "its process";
      end.why = c10::str("it was ended by ", host::ending_of(status),
                         "; it said last: ", one_line(last_said_, 300),
                         "\n  log: ", (job_.folder / "log.txt").string());
    }
    end.stages = plan_stages(job_.experiment, store);
    end.seconds = seconds_since(began_);
    return end;
  }

 private:
  static std::vector<std::string> command(const Job& job, const Arguments& arguments,
                                          const Store& store) {
    fs::remove(outcome_file(job.folder));
    std::vector<std::string> words = {boost::dll::program_location().string(), "job",
                                      job.folder.string()};
    if (!job.validates.empty()) words.push_back(job.validates);
    words.insert(words.end(), {"--store", store.root().string()});
    for (const fs::path& folder : arguments.plugins)
      words.insert(words.end(), {"--plugins", folder.string()});
    if (arguments.isolate) words.emplace_back("--isolate");
    return words;
  }

  void say(const std::string& line) {
    std::cerr << job_.name << ": " << line << std::endl;
    if (!line.empty()) last_said_ = line;
  }

  Job job_;
  Clock::time_point began_;
  std::string line_, last_said_;
  Program program_;
};

}  // namespace

Jobs::Jobs(const Arguments& arguments, std::string named, const Opened& base, const Store& store,
           fs::path run_folder)
    : arguments_(arguments),
      named_(std::move(named)),
      base_(base),
      store_(store),
      run_folder_(std::move(run_folder)) {}

Experiment Jobs::varied(DocumentRequest::Overrides values, int64_t seed,
                        const std::string& cell) const {
  const auto add = [&](const char* path, int64_t value) {
    Node node;
    node.value = value;
    values.emplace_back(path, node);
  };
  add("run.seed", seed);
  if (arguments_.jobs > 1)
    add("run.threads", std::max<int64_t>(1, base_.experiment.run.threads / arguments_.jobs));
  Experiment experiment =
      open_experiment(arguments_, named_, values, cell, base_.registry).experiment;
  if (experiment.run.seed != seed)
    throw ConfigError("--set run.seed = ", experiment.run.seed,
                      " would give all runs one seed; leave it out, their seeds stand in the "
                      "experiment");
  return experiment;
}

Job Jobs::job(const std::string& name, const std::string& label, Experiment experiment,
              const std::string& validates) const {
  Job job{name, run_folder_ / label, std::move(experiment), validates};
  fs::create_directories(job.folder);
  io::write_text(job.folder / "resolved.toml", job.experiment.resolved_toml);
  io::write_text(job.folder / "environment.json", environment_json_of(job.experiment.run));
  keep_plugins(*base_.registry, store_, job.folder);
  return job;
}

void Jobs::one_after_the_other(const std::function<std::optional<Job>()>& next,
                               const std::function<void(const Job&, const JobEnd&)>& ended) const {
  while (const std::optional<Job> job = next()) {
    log(Level::info, "== " + job->name);
    ended(*job, run_here(job->experiment, job->folder, arguments_, store_));
  }
}

void Jobs::side_by_side(const std::function<std::optional<Job>()>& next,
                        const std::function<void(const Job&, const JobEnd&)>& ended) const {
  std::vector<std::unique_ptr<Running>> running;
  std::string stopped;
  bool is_stopping = false;
  for (;;) {
    is_stopping = is_stopping || stop_requested();
    while (!is_stopping && std::ssize(running) < arguments_.jobs) {
      std::optional<Job> job = next();
      if (!job) break;
      log(Level::info, "== " + job->name);
      running.push_back(std::make_unique<Running>(std::move(*job), arguments_, store_));
    }
    if (running.empty()) break;
    std::vector<pollfd> waiting;
    for (const auto& one : running) {
      if (is_stopping) one->stop();
      waiting.push_back({one->words(), POLLIN, 0});
    }
    if (::poll(waiting.data(), waiting.size(), /*timeout_ms=*/200) <= 0) continue;
    for (size_t i = waiting.size(); i-- > 0;) {
      if (waiting[i].revents == 0 || running[i]->listen()) continue;
      const std::unique_ptr<Running> over = std::move(running[i]);
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
      try {
        const JobEnd end = over->end(store_);
        if (!is_stopping) ended(over->job(), end);
      } catch (const Interrupted& interrupted) {
        stopped = interrupted.what();
        is_stopping = true;
      }
    }
  }
  if (is_stopping) throw Interrupted(stopped.empty() ? "stopped" : stopped);
}

void Jobs::run(const std::function<std::optional<Job>()>& next,
               const std::function<void(const Job&, const JobEnd&)>& ended) const {
  arguments_.jobs > 1 ? side_by_side(next, ended) : one_after_the_other(next, ended);
}

Jobs::Ends Jobs::run_all(const std::vector<Job>& all) const {
  Ends ends;
  ends.stages.resize(all.size());
  size_t begun = 0;
  const auto next = [&]() -> std::optional<Job> {
    if (ends.failed || begun == all.size()) return std::nullopt;
    return all[begun++];
  };
  const auto ended = [&](const Job& job, const JobEnd& end) {
    const auto at = std::find_if(all.begin(), all.end(),
                                 [&](const Job& other) { return other.folder == job.folder; });
    ends.stages[static_cast<size_t>(at - all.begin())] = end.stages;
    if (end.failed.empty()) return;
    std::cerr << "\n" << job.name << ": " << end.failed << " failed: " << end.why << std::endl;
    if (!ends.failed) ends.failed = end;
  };
  run(next, ended);
  return ends;
}

// The child's side: runs the job of this folder, and leaves its outcome for the parent.
int command_job(const Arguments& arguments) {
  if (arguments.words.empty() || arguments.words.size() > 2)
    throw ConfigError("job needs the folder of a run; --jobs calls it");
  const fs::path folder = arguments.words.front();
  const Opened opened = open_experiment(arguments, folder.string());
  log_to_file(folder / "log.txt");
  watch_process(/*is_child=*/true, arguments.isolate);
  ordered_json outcome = ordered_json::object();
  int code = kFine;
  try {
    const bool is_trial = arguments.words.size() > 1;
    const Experiment experiment =
        is_trial ? trial_of(opened.experiment, arguments.words[1]) : opened.experiment;
    const JobEnd end = run_here(experiment, folder, arguments, Store(arguments.store));
    outcome = {{"failed", end.failed}, {"why", end.why}, {"is_bad_config", end.is_bad_config}};
    if (!end.failed.empty()) code = end.is_bad_config ? kBadConfig : kFailed;
  } catch (const Interrupted& stopped) {
    outcome["interrupted"] = stopped.what();
    code = kStopped;
  }
  io::write_text(outcome_file(folder),
                 outcome.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  return code;
}

}  // namespace tsrec::host
