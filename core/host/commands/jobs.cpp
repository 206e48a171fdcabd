#include "commands/jobs.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <boost/dll/runtime_symbol_info.hpp>
#include <deque>
#include <iostream>
#include <nlohmann/json.hpp>

#include "pipeline/isolation.hpp"
#include "pipeline/kept_plugins.hpp"
#include "pipeline/run_record.hpp"
#include "pipeline/trial.hpp"
#include "report/environment.hpp"
#include "support/child.hpp"
#include "support/log.hpp"
#include "support/signals.hpp"
#include "support/stopwatch.hpp"
#include "support/unflushed_file.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// In this process. Throws Interrupted.
JobEnd run_here(const Experiment& experiment, const fs::path& folder, const Arguments& arguments,
                const Store& store, WhenHeld when_held) {
  const auto began = Clock::now();
  prepare_process(experiment.run);
  Trackers trackers(experiment, folder);
  JobEnd end;
  try {
    end.stages =
        run_stages(experiment, store,
                   arguments.isolate ? made_in_child(store, folder, arguments.plugins, trackers)
                                     : made_here(experiment, store, trackers),
                   trackers, when_held);
  } catch (const HeldElsewhere& held) {
    end.held = held.what();
  }
  end.seconds = seconds_since(began);
  if (end.held.empty()) write_run_record(end.stages, folder);
  for (const StageResult& stage : end.stages) {
    if (stage.state != StageResult::State::failed || !end.failed.empty()) continue;
    end.failed = stage.id.text();
    end.why = stage.why;
    end.is_bad_config = stage.is_bad_config;
  }
  return end;
}

// Behind a job that took longer than this the next one gets a process of its own, which costs half
// a second. What trained leaves its heap in pieces of all sizes, and glibc looks through them for
// every tensor: a fifth of a TIGER's training behind three decoders', 3 % of it alone.
constexpr double kLongJob = 60;  // seconds

fs::path outcome_file(const fs::path& folder) { return folder / "outcome.json"; }

// What a process of --jobs is asked, a line of JSON.
std::string question_of(const Job& job) {
  return ordered_json{{"folder", job.folder.string()},
                      {"validates", job.validates},
                      {"leaves", job.when_held == WhenHeld::leave}}
      .dump();
}

// A process that does one job after the other: `tsrec jobs`.
class Worker {
 public:
  Worker(const Arguments& arguments, const Store& store)
      : program_(command(arguments, store), /*draws=*/false, /*is_asked=*/true) {}

  const Job& job() const { return *job_; }
  bool is_idle() const { return !job_; }
  int words() const { return program_.words(); }
  int answers() const { return program_.answers(); }
  void stop() { program_.stop(); }

  void begin(Job job) {
    job_.emplace(std::move(job));
    began_ = Clock::now();
    fs::remove(outcome_file(job_->folder));
    program_.ask(question_of(*job_));  // where it is gone, its end says so
  }

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

  // Of the job, behind its answer or the process's last word. Throws Interrupted where it was
  // stopped.
  JobEnd end(const Store& store) {
    char answer = 0;
    const bool has_answered = ::read(program_.answers(), &answer, 1) == 1;
    hear_all();
    JobEnd end;
    if (fs::exists(outcome_file(job_->folder))) {
      const ordered_json outcome = ordered_json::parse(io::read_text(outcome_file(job_->folder)));
      if (outcome.contains("interrupted"))
        throw Interrupted(outcome["interrupted"].get<std::string>());
      end.failed = outcome["failed"].get<std::string>();
      end.why = outcome["why"].get<std::string>();
      end.is_bad_config = outcome["is_bad_config"].get<bool>();
      end.held = outcome["held"].get<std::string>();
    } else {
      end.failed = "its process";
      end.why = c10::str(has_answered ? "it left no outcome"
                                      : "it was ended by " + host::ending_of(program_.wait()),
                         "; it said last: ", one_line(last_said_, 300),
                         "\n  log: ", (job_->folder / "log.txt").string());
    }
    end.stages = plan_stages(*job_->experiment, store);
    end.seconds = seconds_since(began_);
    is_over_ = !has_answered || end.seconds > kLongJob;
    return end;
  }
  void rest() { job_.reset(); }
  bool is_over() const { return is_over_; }  // it takes no more jobs

 private:
  static std::vector<std::string> command(const Arguments& arguments, const Store& store) {
    std::vector<std::string> words = {boost::dll::program_location().string(), "jobs", "--store",
                                      store.root().string()};
    for (const fs::path& folder : arguments.plugins)
      words.insert(words.end(), {"--plugins", folder.string()});
    if (arguments.isolate) words.emplace_back("--isolate");
    return words;
  }

  // What it said before it answered lies in the pipe.
  void hear_all() {
    for (pollfd waiting{program_.words(), POLLIN, 0};
         ::poll(&waiting, 1, /*timeout_ms=*/0) > 0 && listen();) {
    }
  }

  void say(const std::string& line) {
    std::cerr << (job_ ? job_->name + ": " : "") << line << std::endl;
    if (!line.empty()) last_said_ = line;
  }

  Program program_;
  std::optional<Job> job_;
  Clock::time_point began_;
  std::string line_, last_said_;
  bool is_over_ = false;
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

Experiment Jobs::varied(const CellUnderSeed& one) const {
  return varied(one.cell->overrides, one.seed, "compare " + one.cell->name());
}

Job Jobs::job(const std::string& name, const std::string& label, Experiment experiment,
              const std::string& validates) const {
  Job job{name, run_folder_ / label, std::make_shared<const Experiment>(std::move(experiment)),
          validates};
  begin_folder(job);
  return job;
}

// One that was begun before leaves nothing in it: trackers begin their files anew.
void Jobs::begin_folder(const Job& job) const {
  fs::remove_all(job.folder);
  fs::create_directories(job.folder);
  // A matrix has many, and after a power cut its command begins them all anew.
  if (!write_unflushed(job.folder / "resolved.toml", job.experiment->resolved_toml) ||
      !write_unflushed(job.folder / "environment.json", environment_json_of(job.experiment->run)))
    throw Error("cannot write into ", job.folder.string(),
                "; free some space and run the same command again");
  keep_plugins(*base_.registry, store_, job.folder);
}

void Jobs::one_after_the_other(const std::function<std::optional<Job>()>& next,
                               const std::function<void(const Job&, const JobEnd&)>& ended) const {
  while (const std::optional<Job> job = next()) {
    log(Level::info, "== " + job->name);
    ended(*job, run_here(*job->experiment, job->folder, arguments_, store_, job->when_held));
  }
}

bool Jobs::is_stored(const Job& job) const {
  const std::vector<StageResult> stages = plan_stages(*job.experiment, store_);
  return std::all_of(stages.begin(), stages.end(), [](const StageResult& stage) {
    return stage.state == StageResult::State::stored;
  });
}

void Jobs::side_by_side(const std::function<std::optional<Job>()>& next,
                        const std::function<void(const Job&, const JobEnd&)>& ended) const {
  std::vector<std::unique_ptr<Worker>> workers;
  std::string stopped;
  bool is_stopping = false;
  for (;;) {
    is_stopping = is_stopping || stop_requested();
    const auto busy = [&] {
      return std::count_if(workers.begin(), workers.end(),
                           [](const auto& worker) { return !worker->is_idle(); });
    };
    while (!is_stopping && busy() < arguments_.jobs) {
      std::optional<Job> job = next();
      if (!job) break;
      log(Level::info, "== " + job->name);
      if (is_stored(*job)) {  // there is nothing to do but to tell its trackers
        ended(*job, run_here(*job->experiment, job->folder, arguments_, store_, job->when_held));
        continue;
      }
      auto idle = std::find_if(workers.begin(), workers.end(),
                               [](const auto& worker) { return worker->is_idle(); });
      if (idle == workers.end())
        idle = workers.insert(idle, std::make_unique<Worker>(arguments_, store_));
      (*idle)->begin(std::move(*job));
    }
    if (busy() == 0) break;
    std::vector<pollfd> waiting;
    for (const auto& worker : workers) {
      if (is_stopping) worker->stop();
      if (worker->is_idle()) continue;
      waiting.push_back({worker->words(), POLLIN, 0});
      waiting.push_back({worker->answers(), POLLIN, 0});
    }
    if (::poll(waiting.data(), waiting.size(), /*timeout_ms=*/200) <= 0) continue;
    for (const pollfd& end : waiting) {
      if (end.revents == 0) continue;
      const auto one = std::find_if(workers.begin(), workers.end(), [&](const auto& worker) {
        return worker->words() == end.fd || worker->answers() == end.fd;
      });
      if (one == workers.end() || (*one)->is_idle()) continue;
      if (end.fd == (*one)->words() && (*one)->listen()) continue;
      try {
        const JobEnd over = (*one)->end(store_);
        const Job job = (*one)->job();
        (*one)->rest();
        if ((*one)->is_over()) workers.erase(one);
        if (!is_stopping) ended(job, over);
      } catch (const Interrupted& interrupted) {
        workers.erase(one);
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
  std::deque<Job> waiting(all.begin(), all.end());
  size_t put_off = 0;  // one behind the other: when it was all of them, the next one waits
  const auto next = [&]() -> std::optional<Job> {
    if (ends.failed || waiting.empty()) return std::nullopt;
    Job job = std::move(waiting.front());
    waiting.pop_front();
    const bool has_others = put_off < waiting.size();
    job.when_held = has_others ? WhenHeld::leave : WhenHeld::wait;
    return job;
  };
  const auto ended = [&](const Job& job, const JobEnd& end) {
    if (!end.held.empty()) {
      log(Level::info, job.name + ": " + end.held + "; other cells first");
      begin_folder(job);
      waiting.push_back(job);
      ++put_off;
      return;
    }
    put_off = 0;
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

namespace {

// The worker's side: does the job of this folder, and leaves its outcome for the parent. Returns
// the exit code where no other job may follow.
std::optional<int> do_job(const ordered_json& question, const Arguments& arguments,
                          const Store& store, std::shared_ptr<Registry>& registry) {
  const fs::path folder = question.at("folder").get<std::string>();
  const auto validates = question.at("validates").get<std::string>();
  const WhenHeld when_held = question.at("leaves").get<bool>() ? WhenHeld::leave : WhenHeld::wait;
  log_to_file(folder / "log.txt");
  ordered_json outcome = ordered_json::object();
  std::optional<int> code;
  try {
    const Opened opened = open_experiment(arguments, folder.string(), {}, "", registry);
    if (!registry) watch_process(/*is_child=*/true, arguments.isolate);  // plugins are loaded now
    registry = opened.registry;
    const Experiment experiment =
        validates.empty() ? opened.experiment : trial_of(opened.experiment, validates);
    const JobEnd end = run_here(experiment, folder, arguments, store, when_held);
    outcome = {{"failed", end.failed},
               {"why", end.why},
               {"is_bad_config", end.is_bad_config},
               {"held", end.held}};
  } catch (const Interrupted& stopped) {
    outcome["interrupted"] = stopped.what();
    code = kStopped;
  }
  io::write_text(outcome_file(folder),
                 outcome.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  return code;
}

}  // namespace

// Until its input ends: a folder a line, and an answer when it is done. All jobs have the plugins
// that the first one's folder keeps, since one registry chose them all.
int command_jobs(const Arguments& arguments) {
  const Store store(arguments.store);
  std::shared_ptr<Registry> registry;
  for (std::string line; std::getline(std::cin, line);) {
    const std::optional<int> code = do_job(ordered_json::parse(line), arguments, store, registry);
    if (code) return *code;
    std::cout << '.' << std::flush;
  }
  return kFine;
}

}  // namespace tsrec::host
