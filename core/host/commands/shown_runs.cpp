#include "commands/shown_runs.hpp"

#include <algorithm>

namespace tsrec::host {

namespace fs = std::filesystem;

PageRun ShownRun::page_run(const Store& store) const {
  return {name, cell, folder, opened.experiment, store, stages, report};
}

std::unique_ptr<ShownRun> shown_run(const Arguments& arguments, const std::string& named,
                                    const std::string& cell,
                                    const std::shared_ptr<Registry>& registry) {
  auto run = std::make_unique<ShownRun>();
  run->cell = cell;
  run->folder = recorded_run(arguments, named);
  run->opened = open_experiment(arguments, named, {}, "", registry);
  run->name = !cell.empty()
                  ? c10::str(cell, ", seed ", run->opened.experiment.run.seed)
                  : (run->folder.empty()
                         ? run->opened.experiment.run.name
                         : fs::absolute(run->folder / ".").parent_path().filename().string());
  return run;
}

bool has_cells(const fs::path& folder) { return !folder.empty() && fs::exists(folder / "cells"); }

std::vector<std::unique_ptr<ShownRun>> shown_cells(const Arguments& arguments,
                                                   const Opened& comparison, const fs::path& folder,
                                                   const std::vector<fs::path>& known) {
  std::vector<std::unique_ptr<ShownRun>> runs;
  const CompareSettings& settings = comparison.experiment.compare;
  for (const CompareCell& cell : settings.cells) {
    for (const int64_t seed : seeds_of(settings, comparison.experiment.run.seed)) {
      const fs::path own = folder / cell_folder(cell.name(), seed);
      const bool is_known = std::find(known.begin(), known.end(), own) != known.end();
      if (!is_known && fs::exists(own / "resolved.toml"))
        runs.push_back(shown_run(arguments, own.string(), cell.name(), comparison.registry));
    }
  }
  return runs;
}

std::string title_of(const std::vector<std::unique_ptr<ShownRun>>& runs) {
  std::vector<std::string> names;
  for (const auto& run : runs) {
    const std::string& name = run->opened.experiment.run.name;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return c10::Join(" and ", names);
}

}  // namespace tsrec::host
