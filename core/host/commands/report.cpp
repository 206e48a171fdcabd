// The page of one or several runs.
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>

#include "commands/commands.hpp"
#include "commands/report_files.hpp"
#include "commands/shown_runs.hpp"
#include "pipeline/run_record.hpp"
#include "pipeline/runner.hpp"
#include "report/page/comparison.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// What is stored of it. A cell of a comparison is planned: its stages' ends are the store's.
void read_stored(ShownRun& run, const Store& store) {
  const bool has_record = !run.folder.empty() && fs::exists(run.folder / "stages.json");
  run.stages =
      has_record ? read_run_record(run.folder, store) : plan_stages(run.opened.experiment, store);
  run.report = run_report(run.opened.experiment, run.stages);
}

bool is_stored(const ShownRun& run) {
  return std::any_of(run.stages.begin(), run.stages.end(),
                     [](const StageResult& stage) { return !stage.digest.empty(); });
}

// Runs that were named one by one: each is a cell of its own, and the first the one that the others
// are tested against.
CompareSettings side_by_side(std::vector<std::unique_ptr<ShownRun>>& runs) {
  std::map<std::string, int64_t> same;
  for (const auto& run : runs) {
    const int64_t number = ++same[run->name];
    if (number > 1) run->name += c10::str(" (", number, ")");
    run->cell = run->name;
  }
  CompareSettings settings;
  settings.against = runs.front()->cell;
  return settings;
}

// Of a comparison's cells what they have together, of runs that were named what each has as well.
void write_files(const Arguments& arguments, const CompareSettings& settings,
                 const std::vector<PageRun>& shown, bool are_cells) {
  nlohmann::ordered_json notes = nlohmann::ordered_json::array();
  ReportFiles files;
  files.title = shown.front().experiment.run.name;
  if (shown.size() > 1 || are_cells) files.comparison = compared_runs(settings, shown, notes);
  for (const PageRun& run : shown) {
    if (are_cells) break;
    files.runs.push_back(run.report);
    files.runs.back().name = run.name;
  }
  for (const auto& note : notes) files.notes.push_back(note.get<std::string>());
  write_report_files(arguments, files);
}

fs::path page_file(const Arguments& arguments) {
  if (!arguments.out.empty()) return arguments.out;
  const fs::path folder =
      arguments.words.size() == 1 ? recorded_run(arguments, arguments.words.front()) : fs::path();
  return folder / "report.html";
}

}  // namespace

int command_report(const Arguments& arguments) {
  if (arguments.words.empty())
    throw ConfigError("report needs a run, an experiment or a comparison's folder, or several");
  const Store store(arguments.store);
  CompareSettings settings;
  std::vector<std::unique_ptr<ShownRun>> runs;
  for (const std::string& word : arguments.words) {
    const fs::path folder = recorded_run(arguments, word);
    if (!has_cells(folder)) {
      runs.push_back(shown_run(arguments, word));
      continue;
    }
    const Opened comparison = open_experiment(arguments, folder.string());
    settings = comparison.experiment.compare;
    std::vector<std::unique_ptr<ShownRun>> cells = shown_cells(arguments, comparison, folder);
    if (cells.empty())
      throw ConfigError("'", folder.string(), "' has no cells; run its comparison again");
    for (auto& cell : cells) runs.push_back(std::move(cell));
  }
  for (const auto& run : runs) read_stored(*run, store);
  for (const auto& run : runs) {
    if (!is_stored(*run) && runs.size() == 1)
      throw ConfigError("nothing of '", run->name, "' is stored in ", store.root().string(),
                        "; tsrec run it first");
  }
  const bool are_cells = arguments.words.size() == 1 && !settings.cells.empty();
  ReportDocument document;
  if (!are_cells && runs.size() > 1) settings = side_by_side(runs);
  std::vector<PageRun> shown;
  for (const auto& run : runs) shown.push_back(run->page_run(store));
  if (asks_for_files(arguments)) {
    write_files(arguments, settings, shown, are_cells);
    if (arguments.out.empty()) return kFine;
  }
  for (const PageRun& run : shown) document.runs.push_back(page_run_json(run));
  if (runs.size() > 1) document.comparison = page_comparison_json(settings, shown);
  document.title = title_of(runs);
  const fs::path file = page_file(arguments);
  io::write_text(file, report_page(document));
  std::cout << "wrote " << file.string() << std::endl;
  return kFine;
}

}  // namespace tsrec::host
