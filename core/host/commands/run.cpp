#include <fstream>
#include <iostream>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "pipeline/isolation.hpp"
#include "report/report.hpp"
#include "support/log.hpp"
#include "support/signals.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

void write_metrics(const std::vector<StageResult>& results, const fs::path& file) {
  std::ofstream out(file);
  for (const StageResult& result : results) {
    if (!result.digest.empty() && fs::exists(result.folder / "curves.jsonl"))
      out << io::read_text(result.folder / "curves.jsonl");
  }
}

}  // namespace

int command_run(const Arguments& arguments) {
  const Opened opened = open_experiment(arguments, named_experiment(arguments));
  const Store store(arguments.store);
  const fs::path folder = make_run_folder(arguments.store, opened.experiment.run.name);
  io::write_text(folder / "resolved.toml", opened.experiment.resolved_toml);
  link_plugins(*opened.registry, folder);
  log_to_file(folder / "log.txt");
  prepare_process(opened.experiment.run);
  watch_signals();
  std::vector<StageResult> results;
  try {
    results = run_stages(opened.experiment, store,
                         arguments.isolate ? made_in_child(store, folder, arguments.plugins)
                                           : made_here(opened.experiment, store));
  } catch (const Interrupted& stopped) {
    std::cerr << "\n" << stopped.what() << "; run the same command again to go on" << std::endl;
    return kStopped;
  }
  write_metrics(results, folder / "metrics.jsonl");
  std::cout << "\n"
            << report_run(opened.experiment, results, folder) << "\nrun folder: " << folder.string()
            << std::endl;
  for (const StageResult& result : results) {
    if (result.state == StageResult::State::failed) {
      std::cerr << "\n" << result.id.text() << " failed: " << result.why << std::endl;
      return kFailed;
    }
  }
  if (!arguments.check) return kFine;
  const std::vector<std::string> outside = check_expected(opened.folder / "expected.toml", results);
  for (const std::string& sentence : outside)
    std::cerr << "expected.toml: " << sentence << std::endl;
  std::cout << (outside.empty() ? "expected.toml: all numbers agree" : "") << std::endl;
  return outside.empty() ? kFine : kNumbersDiffer;
}

}  // namespace tsrec::host
