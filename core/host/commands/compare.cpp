#include <algorithm>
#include <iostream>

#include "commands/commands.hpp"
#include "commands/jobs.hpp"
#include "pipeline/parts.hpp"
#include "report/csv.hpp"
#include "report/markdown.hpp"
#include "report/side_by_side.hpp"
#include "report/text.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// Two or more runs that are there already, side by side.
int compare_stored(const Arguments& arguments) {
  std::vector<fs::path> folders;
  for (const std::string& word : arguments.words) {
    const fs::path folder = run_folder(arguments, word);
    if (folder.empty() || !fs::exists(folder / "numbers.json")) {
      throw ConfigError("'", word, "' is no finished run; name a folder of ",
                        (arguments.store / "runs").string());
    }
    folders.push_back(folder);
  }
  std::cout << side_by_side(folders);
  return kFine;
}

void write_files(const MatrixReport& report, const fs::path& folder) {
  io::write_text(folder / "results.md", markdown_of(report));
  io::write_text(folder / "results.csv", csv_of(report));
  if (!report.points.empty()) io::write_text(folder / "curves.csv", curves_csv_of(report));
}

// Every cell of [compare] with every seed; stages that several of them share run once.
int compare_cells(const Arguments& arguments) {
  const std::string& named = arguments.words.front();
  const Opened base = open_experiment(arguments, named);
  const CompareSettings& settings = base.experiment.compare;
  if (settings.cells.empty()) {
    throw ConfigError("'", named,
                      "' has no [compare]; add one, or name two or more runs to put side by side");
  }
  std::vector<int64_t> seeds = settings.seeds;
  if (seeds.empty()) seeds = {base.experiment.run.seed};
  const Store store(arguments.store);
  const fs::path folder = begin_run_folder(base, store, "-compare");
  watch_process(/*is_child=*/false, arguments.isolate);
  const Jobs jobs(arguments, named, base, store, folder);
  std::vector<CellRun> runs;
  std::vector<Job> waiting;
  for (const CompareCell& cell : settings.cells) {
    for (const int64_t seed : seeds) {
      Experiment experiment = jobs.varied(cell.overrides, seed, "compare " + cell.name());
      runs.push_back({cell.name(), seed, lineage_of(experiment), {}});
      waiting.push_back(jobs.job(c10::str(cell.name(), ", seed ", seed),
                                 c10::str("cells/", cell.name(), "-seed", seed),
                                 std::move(experiment)));
    }
  }
  Jobs::Ends ends;
  try {
    ends = jobs.run_all(waiting);
  } catch (const Interrupted& stopped) {
    return stopped_tidily(stopped);
  }
  if (ends.failed) return ends.failed->is_bad_config ? kBadConfig : kFailed;
  for (size_t i = 0; i < runs.size(); ++i) runs[i].results = ends.stages[i];
  const MatrixReport report = matrix_report(
      settings, runs, base.experiment.parts->evaluate.bootstrap, base.experiment.parts->report);
  write_files(report, folder);
  std::cout << "\n" << text_of(report) << "\nrun folder: " << folder.string() << std::endl;
  return kFine;
}

}  // namespace

int command_compare(const Arguments& arguments) {
  if (arguments.words.empty())
    throw ConfigError("compare needs an experiment with a [compare], or two or more runs");
  return arguments.words.size() == 1 ? compare_cells(arguments) : compare_stored(arguments);
}

}  // namespace tsrec::host
