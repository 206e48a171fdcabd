#include <iostream>

#include "commands/commands.hpp"
#include "commands/reported.hpp"
#include "pipeline/isolation.hpp"
#include "pipeline/run_record.hpp"
#include "report/csv.hpp"
#include "report/environment.hpp"
#include "report/expected.hpp"
#include "report/json.hpp"
#include "report/markdown.hpp"
#include "report/text.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

void write_files(const RunReport& report, const RunSettings& run, const fs::path& folder) {
  io::write_text(folder / "numbers.json", numbers_json_of(report));
  io::write_text(folder / "work.json", work_json_of(report));
  io::write_text(folder / "environment.json", environment_json_of(run));
  io::write_text(folder / "results.csv", csv_of(report));
  io::write_text(folder / "results.md", markdown_of(report));
}

}  // namespace

int command_run(const Arguments& arguments) {
  const Opened opened = open_experiment(arguments, named_experiment(arguments));
  const Store store(arguments.store);
  const fs::path folder = begin_run_folder(opened, store);
  prepare_process(opened.experiment.run);
  watch_process(/*is_child=*/false, arguments.isolate);
  std::vector<StageResult> results;
  try {
    Trackers trackers(opened.experiment, folder);
    results =
        run_stages(opened.experiment, store,
                   arguments.isolate ? made_in_child(store, folder, arguments.plugins, trackers)
                                     : made_here(opened.experiment, store, trackers),
                   trackers);
  } catch (const Interrupted& stopped) {
    write_run_record(plan_stages(opened.experiment, store), folder);  // what is there so far
    return stopped_tidily(stopped);
  }
  write_run_record(results, folder);
  const RunReport report = run_report(opened.experiment, results);
  write_files(report, opened.experiment.run, folder);
  std::cout << "\n" << text_of(report) << "\nrun folder: " << folder.string() << std::endl;
  for (const StageResult& stage : results) {
    if (stage.state == StageResult::State::failed) {
      std::cerr << "\n" << stage.id.text() << " failed: " << stage.why << std::endl;
      return stage.is_bad_config ? kBadConfig : kFailed;
    }
  }
  std::cout << write_page_of_run(opened, store, folder, report) << std::endl;
  if (!arguments.check) return kFine;
  const std::vector<std::string> outside = check_expected(opened.folder / "expected.toml", report);
  for (const std::string& sentence : outside)
    std::cerr << "expected.toml: " << sentence << std::endl;
  std::cout << (outside.empty() ? "expected.toml: all numbers agree" : "") << std::endl;
  return outside.empty() ? kFine : kNumbersDiffer;
}

}  // namespace tsrec::host
