// The page of one or several runs.
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>

#include "commands/commands.hpp"
#include "commands/open.hpp"
#include "commands/report_files.hpp"
#include "pipeline/run_record.hpp"
#include "pipeline/runner.hpp"
#include "report/page/comparison.hpp"
#include "report/page/page.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// One run that is stored, or what is stored of an experiment.
struct StoredRun {
  std::string name, cell;
  fs::path folder;  // empty: of an experiment
  Opened opened;
  std::vector<StageResult> stages;
  RunReport report;
};

std::unique_ptr<StoredRun> stored_run(const Arguments& arguments, const Store& store,
                                      const std::string& named, const std::string& cell,
                                      const std::shared_ptr<Registry>& registry) {
  auto run = std::make_unique<StoredRun>();
  run->cell = cell;
  run->folder = recorded_run(arguments, named);
  run->opened = open_experiment(arguments, named, {}, "", registry);
  // A cell of a comparison is planned: its stages' ends are the store's.
  const bool has_record = !run->folder.empty() && fs::exists(run->folder / "stages.json");
  run->stages =
      has_record ? read_run_record(run->folder, store) : plan_stages(run->opened.experiment, store);
  run->report = run_report(run->opened.experiment, run->stages);
  run->name = !cell.empty()
                  ? c10::str(cell, ", seed ", run->opened.experiment.run.seed)
                  : (run->folder.empty()
                         ? run->opened.experiment.run.name
                         : fs::absolute(run->folder / ".").parent_path().filename().string());
  return run;
}

bool is_stored(const StoredRun& run) {
  return std::any_of(run.stages.begin(), run.stages.end(),
                     [](const StageResult& stage) { return !stage.digest.empty(); });
}

// The cells that a comparison's folder has, in their order, with all their seeds.
struct StoredComparison {
  CompareSettings settings;
  std::vector<std::unique_ptr<StoredRun>> runs;
};
StoredComparison stored_comparison(const Arguments& arguments, const Store& store,
                                   const fs::path& folder) {
  const Opened base = open_experiment(arguments, folder.string());
  StoredComparison comparison;
  comparison.settings = base.experiment.compare;
  for (const CompareCell& cell : comparison.settings.cells) {
    for (const int64_t seed : seeds_of(comparison.settings, base.experiment.run.seed)) {
      const fs::path own = folder / cell_folder(cell.name(), seed);
      if (fs::exists(own / "resolved.toml"))
        comparison.runs.push_back(
            stored_run(arguments, store, own.string(), cell.name(), base.registry));
    }
  }
  if (comparison.runs.empty())
    throw ConfigError("'", folder.string(), "' has no cells; run its comparison again");
  return comparison;
}

// Runs that were named one by one: each is a cell of its own, and the first the one that the others
// are tested against.
CompareSettings side_by_side(std::vector<std::unique_ptr<StoredRun>>& runs) {
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

// The names of their experiments, each once.
std::string title_of(const std::vector<std::unique_ptr<StoredRun>>& runs) {
  std::vector<std::string> names;
  for (const auto& run : runs) {
    const std::string& name = run->opened.experiment.run.name;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return c10::Join(" and ", names);
}

// Of a comparison's cells what they have together, of runs that were named what each has as well.
void write_files(const Arguments& arguments, const CompareSettings& settings,
                 const std::vector<PageRun>& shown, bool has_cells) {
  nlohmann::ordered_json notes = nlohmann::ordered_json::array();
  ReportFiles files;
  files.title = shown.front().experiment.run.name;
  if (shown.size() > 1 || has_cells) files.comparison = compared_runs(settings, shown, notes);
  for (const PageRun& run : shown) {
    if (has_cells) break;
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
  std::vector<std::unique_ptr<StoredRun>> runs;
  for (const std::string& word : arguments.words) {
    const fs::path folder = recorded_run(arguments, word);
    if (folder.empty() || !fs::exists(folder / "cells")) {
      runs.push_back(stored_run(arguments, store, word, "", nullptr));
      continue;
    }
    StoredComparison comparison = stored_comparison(arguments, store, folder);
    settings = comparison.settings;
    for (auto& run : comparison.runs) runs.push_back(std::move(run));
  }
  for (const auto& run : runs) {
    if (!is_stored(*run) && runs.size() == 1)
      throw ConfigError("nothing of '", run->name, "' is stored in ", store.root().string(),
                        "; tsrec run it first");
  }
  const bool has_cells = arguments.words.size() == 1 && !settings.cells.empty();
  ReportDocument document;
  if (!has_cells && runs.size() > 1) settings = side_by_side(runs);
  std::vector<PageRun> shown;
  for (const auto& run : runs)
    shown.push_back({run->name, run->cell, run->folder, run->opened.experiment, store, run->stages,
                     run->report});
  if (asks_for_files(arguments)) {
    write_files(arguments, settings, shown, has_cells);
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
