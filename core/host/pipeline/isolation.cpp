#include "pipeline/isolation.hpp"

#include <poll.h>
#include <unistd.h>

#include <boost/dll/runtime_symbol_info.hpp>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "support/child.hpp"
#include "support/exit_code.hpp"
#include "support/signals.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

fs::path outcome_file(const fs::path& run_folder, const std::string& stage) {
  return run_folder / "stages" / (stage + ".json");
}

void write_all(int fd, const char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t wrote = ::write(fd, bytes, count);
    if (wrote < 0 && errno != EINTR) return;
    if (wrote > 0) {
      bytes += wrote;
      count -= static_cast<size_t>(wrote);
    }
  }
}

// Until the child closes its end: passes on what it says, and a stop that was asked for here.
std::string passed_on(Program& child) {
  std::string said;
  for (;;) {
    if (stop_requested()) child.stop();
    pollfd waiting{child.words(), POLLIN, 0};
    if (::poll(&waiting, 1, /*timeout_ms=*/200) <= 0) continue;
    std::array<char, 4096> buffer;
    const ssize_t got = ::read(child.words(), buffer.data(), buffer.size());
    if (got == 0 || (got < 0 && errno != EINTR)) return said;
    if (got <= 0) continue;
    write_all(STDERR_FILENO, buffer.data(), static_cast<size_t>(got));
    said.append(buffer.data(), static_cast<size_t>(got));
    constexpr size_t kMost = 1 << 20;
    if (said.size() > kMost) said.erase(0, said.size() - kMost / 2);
  }
}

// Without what a progress bar overwrote.
std::string without_bars(const std::string& text) {
  std::string lines, line;
  for (const char c : text) {
    if (c == '\r') {
      line.clear();
      continue;
    }
    line += c;
    if (c != '\n') continue;
    lines += line;
    line.clear();
  }
  return lines + line;
}

void read_outcome(const fs::path& file, StageResult& result) {
  const ordered_json outcome = ordered_json::parse(io::read_text(file));
  if (outcome.contains("interrupted")) throw Interrupted(outcome["interrupted"].get<std::string>());
  if (outcome.contains("error"))
    throw FailedElsewhere(
        {outcome["error"].get<std::string>(), outcome["is_bad_config"].get<bool>()});
  result.seconds = outcome["seconds"].get<double>();
  result.counters = outcome["counters"].get<std::map<std::string, int64_t>>();
}

}  // namespace

MakeStage made_in_child(const Store& store, fs::path run_folder,
                        std::vector<fs::path> plugin_folders, Trackers& trackers) {
  return [&trackers, store, run_folder = std::move(run_folder),
          plugin_folders = std::move(plugin_folders)](
             const Stage& stage, const std::vector<StageResult>&, StageResult& result) {
    std::vector<std::string> command = {boost::dll::program_location().string(),
                                        "stage",
                                        run_folder.string(),
                                        stage.id.text(),
                                        "--store",
                                        store.root().string()};
    for (const fs::path& folder : plugin_folders) {
      command.emplace_back("--plugins");
      command.push_back(folder.string());
    }
    fs::remove(outcome_file(run_folder, stage.id.text()));
    Program child(std::move(command), /*draws=*/::isatty(STDERR_FILENO) == 1);
    const std::string said = without_bars(passed_on(child));
    const int status = child.wait();
    if (fs::exists(outcome_file(run_folder, stage.id.text()))) {
      read_outcome(outcome_file(run_folder, stage.id.text()), result);
      if (!store.has(result.key))
        throw DataError("what the stage reads changed while it ran; run the same command again");
      result.digest = store.digest(result.key);
      result.state = StageResult::State::ran;
      trackers.replay(stage.id.text(), result.folder / "curves.jsonl");
      return;
    }
    fs::create_directories(store.failed(result.key));
    const fs::path log = store.failed(result.key) / "log.txt";
    io::write_text(log, said);
    throw Error("its process was ended by ", ending_of(status),
                "; it said last: ", one_line(said, 300), "\n  log: ", log.string(),
                "\n  run the same command again to go on behind the last stage that is stored");
  };
}

int make_in_this_child(const Experiment& experiment, const Store& store, const std::string& stage,
                       const fs::path& run_folder) {
  const fs::path file = outcome_file(run_folder, stage);
  fs::create_directories(file.parent_path());
  ordered_json outcome = ordered_json::object();
  int code = kFine;
  try {
    const StageResult result = run_stage(experiment, store, stage);
    outcome = {{"seconds", result.seconds}, {"counters", result.counters}};
  } catch (const Interrupted& stopped) {
    outcome["interrupted"] = stopped.what();
    code = kStopped;
  } catch (...) {
    const Failure failure = failure_of(std::current_exception());
    outcome = {{"error", failure.why}, {"is_bad_config", failure.is_bad_config}};
    code = failure.is_bad_config ? kBadConfig : kFailed;
  }
  io::write_text(file, outcome.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  return code;
}

}  // namespace tsrec::host
