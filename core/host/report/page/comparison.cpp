#include "report/page/comparison.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "pipeline/parts.hpp"
#include "report/columns.hpp"
#include "report/json.hpp"
#include "report/page/run_json.hpp"

namespace tsrec::host {
namespace {

using nlohmann::ordered_json;

std::vector<std::string> cells_of(const std::vector<PageRun>& runs) {
  std::vector<std::string> cells;
  for (const PageRun& run : runs) {
    if (std::find(cells.begin(), cells.end(), run.cell) == cells.end()) cells.push_back(run.cell);
  }
  return cells;
}

// Of runs that were named one by one those that have finished.
std::vector<const PageRun*> finished_runs(const std::vector<PageRun>& runs,
                                          std::vector<std::string>& notes) {
  std::vector<const PageRun*> finished;
  for (const PageRun& run : runs) {
    if (is_measured(run.stages))
      finished.push_back(&run);
    else
      notes.push_back(run.name + " has not finished, and is left out of what compares runs.");
  }
  return finished;
}

// Cells that have finished no seed, and then the seeds that not all others have finished, are left
// out.
std::vector<const PageRun*> finished_cells(const CompareSettings& settings,
                                           const std::vector<PageRun>& runs,
                                           std::vector<std::string>& notes) {
  std::map<std::string, std::set<int64_t>> seeds_of_cell;
  std::set<int64_t> seeds;
  for (const PageRun& run : runs) {
    if (!is_measured(run.stages)) continue;
    seeds_of_cell[run.cell].insert(run.experiment.run.seed);
    seeds.insert(run.experiment.run.seed);
  }
  for (const CompareCell& cell : settings.cells) {
    if (!seeds_of_cell.contains(cell.name()))
      notes.push_back(cell.name() +
                      " has finished under no seed, and is left out of what compares cells.");
  }
  for (auto seed = seeds.begin(); seed != seeds.end();) {
    const auto without =
        std::find_if(seeds_of_cell.begin(), seeds_of_cell.end(),
                     [&](const auto& cell) { return !cell.second.contains(*seed); });
    if (without == seeds_of_cell.end()) {
      ++seed;
      continue;
    }
    notes.push_back(c10::str("Seed ", *seed, " is left out of what compares cells, because ",
                             without->first, " has not finished it."));
    seed = seeds.erase(seed);
  }
  std::vector<const PageRun*> whole;
  for (const PageRun& run : runs) {
    if (is_measured(run.stages) && seeds.contains(run.experiment.run.seed)) whole.push_back(&run);
  }
  return whole;
}

// Tests pair rows by their places: that says something only where a row is the same in every run
// that it is compared with. Cells meet seed by seed, and a seed may have its own data.
bool has_equal_rows(const std::vector<const PageRun*>& runs, bool has_seeds) {
  struct SeedRows {
    std::string data;
    torch::Tensor user_S;
  };
  std::map<int64_t, SeedRows> known;
  for (const PageRun* run : runs) {
    SeedRows& rows = known[has_seeds ? run->experiment.run.seed : 0];
    for (const StageResult& stage : run->stages) {
      if (stage.id.role != StageId::Role::load) continue;
      if (rows.data.empty()) rows.data = stage.digest;
      if (stage.digest != rows.data) return false;
    }
    for (const Column& column : columns_of(run->stages, lineage_of(run->experiment))) {
      const torch::Tensor& user_S = column.stored.user_S;
      if (!rows.user_S.defined()) rows.user_S = user_S;
      if (!torch::equal(rows.user_S, user_S)) return false;
    }
  }
  return true;
}

ordered_json json_of(const Spread& spread) {
  if (spread.count == 0) return nullptr;
  return {{"mean", spread.mean}, {"deviation", spread.deviation}, {"count", spread.count}};
}

// "cell:model", or a floor's name. No cell has a name that begins another's and a colon.
ordered_json json_of(const MatrixReport::Row& row, const std::vector<std::string>& cells) {
  ordered_json numbers = ordered_json::array();
  for (const Spread& spread : row.numbers) numbers.push_back(json_of(spread));
  ordered_json json = {{"label", row.label}, {"cell", ""}, {"of", row.label}, {"is_model", false}};
  for (const std::string& cell : cells) {
    if (!row.label.starts_with(cell + ":")) continue;
    json["cell"] = cell;
    json["of"] = row.label.substr(cell.size() + 1);
    json["is_model"] = true;
  }
  json["numbers"] = std::move(numbers);
  return json;
}

}  // namespace

bool is_measured(const std::vector<StageResult>& stages) {
  return std::all_of(stages.begin(), stages.end(), [](const StageResult& stage) {
    const bool is_ranked = stage.id.role == StageId::Role::rank_model ||
                           stage.id.role == StageId::Role::rank_recommender;
    return !is_ranked || !stage.digest.empty();
  });
}

std::optional<MatrixReport> compared_runs(const CompareSettings& settings,
                                          const std::vector<PageRun>& runs,
                                          std::vector<std::string>& notes) {
  const bool has_seeds = !settings.cells.empty();
  const std::vector<const PageRun*> whole =
      has_seeds ? finished_cells(settings, runs, notes) : finished_runs(runs, notes);
  if (whole.empty()) return std::nullopt;
  CompareSettings asked = settings;
  const bool has_baseline = std::any_of(
      whole.begin(), whole.end(), [&](const PageRun* run) { return run->cell == asked.against; });
  if (!asked.against.empty() && !has_baseline) {
    notes.push_back("Nothing is tested, because " + asked.against +
                    " has not finished, which all others are tested against.");
    asked.against.clear();
  }
  if (!asked.against.empty() && !has_equal_rows(whole, has_seeds)) {
    notes.push_back(
        "These runs were not measured on the same rows of the same data, so no test compares "
        "them.");
    asked.against.clear();
  }
  std::vector<CellRun> cells;
  for (const PageRun* run : whole)
    cells.push_back(
        {run->cell, run->experiment.run.seed, lineage_of(run->experiment), run->stages});
  return matrix_report(asked, cells, whole.front()->experiment.parts->evaluate.bootstrap,
                       whole.front()->experiment.parts->report);
}

ordered_json page_comparison_json(const CompareSettings& settings, const std::vector<PageRun>& runs,
                                  std::vector<std::string> notes) {
  ordered_json json = {{"against", settings.against}, {"cells", cells_of(runs)}};
  for (const char* list : {"numbers", "rows", "differences", "trained", "alarms"})
    json[list] = ordered_json::array();
  if (const auto report = compared_runs(settings, runs, notes)) {
    json["correction"] = report->settings.correction;
    for (size_t n = 0; n < report->numbers.size(); ++n)
      json["numbers"].push_back(
          {{"name", report->numbers[n]}, {"better", name_of(report->better[n])}});
    for (const MatrixReport::Row& row : report->rows)
      json["rows"].push_back(json_of(row, report->cells));
    for (const MatrixReport::CellDifference& d : report->differences) {
      json["differences"].push_back({{"cell", d.cell}, {"number", d.number}});
      json["differences"].back().update(json_of(d));
    }
    for (const MatrixReport::TrainedDifference& d : report->trained) {
      json["trained"].push_back(
          {{"cell", d.cell}, {"after", d.after}, {"before", d.before}, {"number", d.number}});
      json["trained"].back().update(json_of(d));
    }
    for (const Alarm& alarm : report->alarms) json["alarms"].push_back(alarm.sentence());
    for (const std::string& sentence : same_model_sentences(*report))
      json["alarms"].push_back(sentence);
  }
  json["notes"] = notes;
  return json;
}

}  // namespace tsrec::host
