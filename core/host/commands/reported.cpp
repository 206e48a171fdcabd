#include "commands/reported.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <map>
#include <set>

#include "commands/jobs.hpp"
#include "pipeline/inventory.hpp"
#include "pipeline/run_record.hpp"
#include "report/page/comparison.hpp"
#include "report/tune_report.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using Runs = std::vector<std::unique_ptr<ShownRun>>;

// With its stages, which are planned where it did not come to its end: they are the store's.
std::unique_ptr<ShownRun> with_stages(std::unique_ptr<ShownRun> run, const Store& store) {
  const bool has_record = !run->folder.empty() && fs::exists(run->folder / "stages.json");
  run->stages =
      has_record ? read_run_record(run->folder, store) : plan_stages(run->opened.experiment, store);
  return run;
}

bool is_stored(const ShownRun& run) {
  return std::any_of(run.stages.begin(), run.stages.end(),
                     [](const StageResult& stage) { return !stage.digest.empty(); });
}

// Whether there is something to see that a cell does not merely share with the others.
bool has_begun(const ShownRun& run) {
  return is_measured(run.stages) ||
         std::any_of(run.stages.begin(), run.stages.end(), [](const StageResult& stage) {
           return stage.id.role == StageId::Role::train && !stage.digest.empty();
         });
}

// "few, seeds 17, 18; many, seed 18": the runs that are not whole, which stand cell by cell.
std::string unfinished(const Runs& runs) {
  std::vector<std::pair<std::string, std::vector<int64_t>>> seeds_of_cells;
  for (const auto& run : runs) {
    if (is_measured(run->stages)) continue;
    if (seeds_of_cells.empty() || seeds_of_cells.back().first != run->cell)
      seeds_of_cells.push_back({run->cell, {}});
    seeds_of_cells.back().second.push_back(run->opened.experiment.run.seed);
  }
  std::vector<std::string> texts;
  for (const auto& [cell, seeds] : seeds_of_cells)
    texts.push_back(
        c10::str(cell, seeds.size() > 1 ? ", seeds " : ", seed ", c10::Join(", ", seeds)));
  return c10::Join("; ", texts);
}

// Where a rule decides how many seeds there are, those behind the last that any cell has finished
// were not asked for.
void drop_unasked(const CompareSettings& settings, const std::vector<int64_t>& seeds, Runs& runs) {
  if (!settings.stop_when) return;
  const auto place_of = [&](const ShownRun& run) {
    return std::find(seeds.begin(), seeds.end(), run.opened.experiment.run.seed) - seeds.begin();
  };
  int64_t asked = settings.stop_when->min_seeds;
  for (const auto& run : runs) {
    if (is_measured(run->stages)) asked = std::max<int64_t>(asked, place_of(*run) + 1);
  }
  std::erase_if(runs, [&](const auto& run) { return place_of(*run) >= asked; });
}

// Every cell under every seed that was asked for: of the comparison's folder where it has one, else
// as it would be planned now, because others may have made it. What has nothing to show is named.
Reported reported_cells(const Arguments& arguments, const Store& store, const std::string& named,
                        const Opened& base, const fs::path& folder) {
  const Jobs jobs(arguments, named, base, store, /*run_folder=*/{});
  Reported found;
  found.folder = folder;
  found.settings = base.experiment.compare;
  const auto planned_run = [&](const CellUnderSeed& one) {
    return shown_run({base.folder, base.registry, jobs.varied(one)}, /*folder=*/{},
                     one.cell->name());
  };
  for (const CellUnderSeed& cell : cells_under_seeds(found.settings, base.experiment.run.seed)) {
    std::unique_ptr<ShownRun> begun = begun_run(arguments, base, folder, cell);
    found.runs.push_back(with_stages(begun ? std::move(begun) : planned_run(cell), store));
  }
  drop_unasked(found.settings, seeds_of(found.settings, base.experiment.run.seed), found.runs);
  if (const std::string missing = unfinished(found.runs); !missing.empty())
    found.notes.push_back("Not finished: " + missing +
                          ". The command that began them goes on with them.");
  std::erase_if(found.runs, [](const auto& run) { return !has_begun(*run); });
  return found;
}

// --- tunings

constexpr const char* kTuning = "tuning.json";

// The newest that was made of this document, and came to its end; empty where there is none.
fs::path tuning_of(const Opened& opened, const Store& store) {
  if (opened.experiment.tune.models.empty()) return {};
  std::vector<fs::path> folders = run_folders(store);
  std::reverse(folders.begin(), folders.end());
  const auto found = std::find_if(folders.begin(), folders.end(), [&](const fs::path& folder) {
    return fs::exists(folder / kTuning) &&
           io::read_text(folder / "resolved.toml") == opened.experiment.resolved_toml;
  });
  return found == folders.end() ? fs::path() : *found;
}

// The whole experiment with what was chosen, under each seed of the report: one cell.
Reported reported_tuning(const Arguments& arguments, const Store& store, const Opened& base,
                         const fs::path& folder) {
  Reported found;
  found.folder = folder;
  found.settings.numbers = base.experiment.compare.numbers;
  found.settings.cells = {CompareCell{{{"model", kTuned}}, {}}};
  try {
    found.tuning = ordered_json::parse(io::read_text(folder / kTuning));
    found.settings.seeds = found.tuning.at("seeds").get<std::vector<int64_t>>();
  } catch (const ordered_json::exception& error) {
    throw DataError("'", (folder / kTuning).string(), "' cannot be read (", error.what(),
                    "); tune again");
  }
  for (const int64_t seed : found.settings.seeds) {
    const fs::path own = folder / tuned_folder(seed);
    found.runs.push_back(with_stages(
        shown_run(open_experiment(arguments, own.string(), {}, "", base.registry), own, kTuned),
        store));
  }
  return found;
}

// --- all that a word may be

Reported one_run(Opened opened, const Store& store, const fs::path& folder) {
  Reported found;
  found.folder = folder;
  found.runs.push_back(with_stages(shown_run(std::move(opened), folder, /*cell=*/""), store));
  return found;
}

// folder: of a run, a comparison or a tuning that was recorded.
Reported recorded(const Arguments& arguments, const Store& store, Opened opened,
                  const fs::path& folder) {
  if (has_cells(folder)) return reported_cells(arguments, store, folder.string(), opened, folder);
  if (fs::exists(folder / kTuning)) return reported_tuning(arguments, store, opened, folder);
  if (fs::exists(folder / "trials"))
    throw ConfigError("the tuning '", folder.string(),
                      "' has not come to its end; run its command again");
  return one_run(std::move(opened), store, folder);
}

// How an experiment is made that nothing is stored of.
std::string commands_of(const Experiment& experiment) {
  std::string commands = "tsrec run";
  if (!experiment.compare.cells.empty()) commands += " or compare";
  if (!experiment.tune.models.empty()) commands += " or tune";
  return commands;
}

Reported planned(const Arguments& arguments, const Store& store, const std::string& named,
                 Opened opened) {
  if (const fs::path tuned = tuning_of(opened, store); !tuned.empty())
    return reported_tuning(arguments, store, opened, tuned);
  if (!opened.experiment.compare.cells.empty()) {
    Reported cells = reported_cells(arguments, store, named, opened, /*folder=*/{});
    if (!cells.runs.empty()) return cells;
  }
  return one_run(std::move(opened), store, /*folder=*/{});
}

Reported named_by(const Arguments& arguments, const Store& store, const std::string& word) {
  Opened opened = open_experiment(arguments, word);
  const fs::path folder = recorded_run(arguments, word);
  return folder.empty() ? planned(arguments, store, word, std::move(opened))
                        : recorded(arguments, store, std::move(opened), folder);
}

void make_reports(Reported& found) {
  for (const auto& run : found.runs) run->report = run_report(run->opened.experiment, run->stages);
}

// --- several words

// Each run is a cell of its own, and the first the one that the others are tested against.
void put_side_by_side(Reported& all) {
  std::map<std::string, int64_t> same;
  for (const auto& run : all.runs) {
    const int64_t number = ++same[run->name];
    if (number > 1) run->name += c10::str(" (", number, ")");
    run->cell = run->name;
  }
  all.settings = {};
  all.settings.against = all.runs.front()->cell;
}

// Sums of products may depend on the threads, and a map of neighbours on the last digit of a sum: a
// page is made with those of its run, so that it has the same bytes whoever makes it.
void use_threads_of(const Experiment& experiment) {
  at::set_num_threads(static_cast<int>(experiment.run.threads));
}

}  // namespace

std::vector<PageRun> Reported::shown(const Store& store) const {
  std::vector<PageRun> all;
  std::set<std::string> drawn;
  for (const auto& run : runs) {
    all.push_back(run->page_run(store));
    all.back().draws_models = drawn.insert(run->cell).second;
  }
  return all;
}

Reported reported(const Arguments& arguments, const Store& store) {
  Reported all;
  for (const std::string& word : arguments.words) {
    Reported found = named_by(arguments, store, word);
    if (arguments.words.size() == 1) {
      all = std::move(found);
      continue;
    }
    for (auto& run : found.runs) all.runs.push_back(std::move(run));
    for (std::string& note : found.notes) all.notes.push_back(std::move(note));
  }
  if (all.runs.size() == 1 && !is_stored(*all.runs.front()))
    throw ConfigError("nothing of '", all.runs.front()->name, "' is stored in ",
                      store.root().string(), "; ", commands_of(all.runs.front()->opened.experiment),
                      " it first");
  if (all.runs.empty())
    throw ConfigError("nothing of '", c10::Join("', '", arguments.words),
                      "' has been measured; run the comparison again");
  make_reports(all);
  if (arguments.words.size() > 1) put_side_by_side(all);
  return all;
}

void write_page(const Reported& reported, const Store& store, const fs::path& file) {
  const std::vector<PageRun> shown = reported.shown(store);
  use_threads_of(shown.front().experiment);
  ReportDocument document;
  document.title = title_of(reported.runs);
  document.tuning = reported.tuning;
  for (const PageRun& run : shown) document.runs.push_back(page_run_json(run));
  if (shown.size() > 1 || reported.has_cells())
    document.comparison = page_comparison_json(reported.settings, shown, reported.notes);
  io::write_text(file, report_page(document));
}

namespace {

std::string line_of_page(const fs::path& folder, const std::function<void()>& write) {
  try {
    write();
    return "page: " + (folder / kPageFile).string();
  } catch (const std::exception& error) {
    return c10::str("no page: ", error.what());
  }
}

}  // namespace

std::string write_page_of_run(const Opened& opened, const Store& store, const fs::path& folder,
                              const RunReport& report) {
  return line_of_page(folder, [&] {
    use_threads_of(opened.experiment);
    const std::unique_ptr<ShownRun> run = shown_run(opened, folder, /*cell=*/"");
    run->stages = read_run_record(folder, store);
    run->report = report;
    ReportDocument document;
    document.title = opened.experiment.run.name;
    document.runs.push_back(page_run_json(run->page_run(store)));
    io::write_text(folder / kPageFile, report_page(document));
  });
}

// Its jobs wrote down what they were, so --set and --with are heard no more.
std::string write_page_of_cells(const Opened& base, const Store& store, const fs::path& folder) {
  // Each takes a second and more, which a matrix that has come to its end should not wait for.
  constexpr size_t kMostDrawn = 12;
  const size_t runs = cells_under_seeds(base.experiment.compare, base.experiment.run.seed).size();
  if (runs > kMostDrawn)
    return c10::str("page of its ", runs, " runs: tsrec report ", folder.string());
  return line_of_page(folder, [&] {
    Arguments arguments;
    arguments.store = store.root();
    Reported found =
        recorded(arguments, store,
                 open_experiment(arguments, folder.string(), {}, "", base.registry), folder);
    make_reports(found);
    write_page(found, store, folder / kPageFile);
  });
}

}  // namespace tsrec::host
