#include "commands/shown_runs.hpp"

#include <algorithm>

namespace tsrec::host {

namespace fs = std::filesystem;

PageRun ShownRun::page_run(const Store& store) const {
  return {name, cell, folder, opened.experiment, store, stages, report};
}

std::unique_ptr<ShownRun> shown_run(Opened opened, const fs::path& folder,
                                    const std::string& cell) {
  auto run = std::make_unique<ShownRun>();
  run->cell = cell;
  run->folder = folder;
  run->opened = std::move(opened);
  const RunSettings& settings = run->opened.experiment.run;
  if (!cell.empty())
    run->name = c10::str(cell, ", seed ", settings.seed);
  else if (!folder.empty())
    run->name = fs::absolute(folder / ".").lexically_normal().parent_path().filename().string();
  else
    run->name = settings.name;
  return run;
}

std::unique_ptr<ShownRun> shown_run(const Arguments& arguments, const std::string& named) {
  return shown_run(open_experiment(arguments, named), recorded_run(arguments, named), /*cell=*/"");
}

bool has_cells(const fs::path& folder) { return !folder.empty() && fs::exists(folder / "cells"); }

std::unique_ptr<ShownRun> begun_run(const Arguments& arguments, const Opened& comparison,
                                    const fs::path& folder, const CellUnderSeed& cell) {
  const fs::path own = folder / cell.folder();
  if (folder.empty() || !fs::exists(own / "resolved.toml")) return nullptr;
  return shown_run(open_experiment(arguments, own.string(), {}, "", comparison.registry), own,
                   cell.cell->name());
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
