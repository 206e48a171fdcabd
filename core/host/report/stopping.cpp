#include "report/stopping.hpp"

#include <algorithm>

#include "report/columns.hpp"
#include "support/number_text.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::host {
namespace {

struct Rows {
  torch::Tensor value_S, user_S;
};

Rows rows_of(const CellRun& run, const std::string& name) {
  const std::vector<Column> columns = columns_of(run.results, run.lineage);
  const Column* last = last_model(columns);
  if (last == nullptr)
    throw ConfigError("[compare] stop_when: the cell '", run.cell,
                      "' evaluates nothing that could be compared");
  const Number* number = number_of(*last, name);
  if (number == nullptr || !number->row_S.defined())
    throw ConfigError("[compare] stop_when: number = \"", name, "\" is none that ", last->name,
                      " of the cell '", run.cell, "' has for each row",
                      suggest(name, number_names(columns)));
  return {number->row_S, last->stored.user_S};
}

SeedRows rows_of_difference(const CellRun& ours, const CellRun& theirs, const std::string& name) {
  const Rows after = rows_of(ours, name), before = rows_of(theirs, name);
  if (after.value_S.numel() != before.value_S.numel() || !after.user_S.equal(before.user_S))
    throw ConfigError("[compare] stop_when: the cells '", ours.cell, "' and '", theirs.cell,
                      "' are measured on different rows, so their difference has no pairs");
  return {after.value_S.to(torch::kFloat64) - before.value_S.to(torch::kFloat64), after.user_S};
}

}  // namespace

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::differs:
      return "differs";
    case Outcome::within_margin:
      return "within the margin";
    default:
      return "open";
  }
}

Stopping::Stopping(const CompareSettings& settings)
    : settings_(*settings.stop_when), against_(settings.against) {
  for (const CompareCell& cell : settings.cells) {
    if (cell.name() != against_) cells_.push_back({cell.name(), {}});
  }
  rule_ = {.margin = settings_.margin,
           .min_seeds = settings_.min_seeds,
           .max_seeds = settings_.max_seeds,
           .comparisons = std::max<int64_t>(1, std::ssize(cells_))};
}

void Stopping::look(const std::vector<CellRun>& runs) {
  for (Cell& cell : cells_) {
    std::vector<SeedRows> seeds;
    for (const CellRun& run : runs) {
      if (run.cell != cell.name) continue;
      const auto other = std::find_if(runs.begin(), runs.end(), [&](const CellRun& candidate) {
        return candidate.cell == against_ && candidate.seed == run.seed;
      });
      seeds.push_back(rows_of_difference(run, *other, settings_.number));
    }
    seeds_ = std::ssize(seeds);
    if (cell.decision.outcome == Outcome::open) cell.decision = decide(rule_, seeds);
  }
}

bool Stopping::is_over() const {
  return seeds_ >= rule_.max_seeds ||
         std::all_of(cells_.begin(), cells_.end(),
                     [](const auto& cell) { return cell.decision.outcome != Outcome::open; });
}

std::string Stopping::protocol() const {
  return c10::str("stop_when: ", settings_.number, " of every cell minus ", against_, " after ",
                  rule_.min_seeds, " seeds and each one more up to ", rule_.max_seeds,
                  ", until its interval is clear of 0 or within ", fixed(rule_.margin),
                  "; 5 % over all looks and cells, by alpha spending");
}

}  // namespace tsrec::host
