#include "report/page/run_json.hpp"

#include <cmath>

#include "pipeline/run_record.hpp"
#include "report/json.hpp"
#include "report/page/thinned.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// What the run's own folder has under this name; null where there is none.
ordered_json written_by(const PageRun& run, const char* name) {
  const fs::path file = run.folder / name;
  if (run.folder.empty() || !fs::exists(file)) return nullptr;
  try {
    return ordered_json::parse(io::read_text(file));
  } catch (const ordered_json::exception& error) {
    throw DataError("'", file.string(), "' cannot be read (", error.what(),
                    "); take it away, and the report leaves out what it says");
  }
}

}  // namespace

const char* name_of(Better better) {
  switch (better) {
    case Better::higher:
      return "higher";
    case Better::lower:
      return "lower";
    default:
      return "unknown";
  }
}

// Without what has a section of its own.
ordered_json numbers_section(const PageRun& run) {
  ordered_json numbers = ordered_json::parse(numbers_json_of(run.report));
  for (const char* elsewhere : {"breakdowns", "audit"}) numbers.erase(elsewhere);
  return numbers;
}

ordered_json columns_section(const PageRun& run) {
  const Lineage lineage = lineage_of(run.experiment);
  ordered_json columns = ordered_json::array();
  for (const ReportedColumn& column : run.report.columns) {
    const auto from = lineage.find(column.name);
    ordered_json better = ordered_json::object();
    for (const ReportedNumber& number : column.numbers)
      better[number.name] = name_of(number.better);
    columns.push_back({{"name", column.name},
                       {"is_model", column.is_model},
                       {"from", column.is_model && from != lineage.end() ? from->second : ""},
                       {"better", better}});
  }
  return columns;
}

ordered_json differences_section(const PageRun& run) {
  ordered_json differences = ordered_json::array();
  for (const ReportedDifference& pair : run.report.differences) {
    ordered_json numbers = ordered_json::array();
    for (const TestedNumber& number : pair.numbers) {
      numbers.push_back(
          {{"name", number.name}, {"better", name_of(number.better)}, {"rows", number.rows}});
      numbers.back().update(json_of(number));
    }
    differences.push_back({{"after", pair.after}, {"before", pair.before}, {"numbers", numbers}});
  }
  return differences;
}

ordered_json curves_section(const PageRun& run) {
  ordered_json curves = ordered_json::array();
  for (const Curve& curve : run.report.curves)
    curves.push_back(curve_json(curve, curve.steps.size()));
  return curves;
}

ordered_json cost_section(const PageRun& run) {
  ordered_json cost = ordered_json::parse(work_json_of(run.report));
  // A run that is read from its folder ran no stage now; it wrote down what they cost then.
  if (const ordered_json then = written_by(run, "work.json"); !then.is_null()) cost = then;
  for (const ReportedStage& stage : run.report.stages) {
    ordered_json& entry = cost["stages"][stage.name];
    if (entry.contains("seconds")) continue;
    // A stage whose inputs are not stored has no key yet.
    const double seconds = stage.digest.empty() ? 0 : run.store.seconds(stage.key);
    if (seconds > 0)
      entry = {{"seconds", seconds}, {"earlier", true}};
    else
      cost["stages"].erase(stage.name);
  }
  return cost;
}

ordered_json stages_section(const PageRun& run) {
  ordered_json stages = ordered_json::array();
  for (const StageResult& stage : run.stages) {
    ordered_json entry = {{"name", stage.id.text()},
                          {"state", name_of(stage.state)},
                          {"why", stage.why},
                          {"key", stage.key},
                          {"digest", stage.digest}};
    const fs::path text = stage.folder / "key.txt";
    if (!stage.digest.empty() && fs::exists(text)) entry["key_text"] = io::read_text(text);
    stages.push_back(std::move(entry));
  }
  return stages;
}

ordered_json audit_section(const PageRun& run) {
  return run.report.audit ? audit_json(*run.report.audit) : ordered_json(nullptr);
}

ordered_json environment_section(const PageRun& run) { return written_by(run, "environment.json"); }

ordered_json document_section(const PageRun& run) { return run.experiment.resolved_toml; }

}  // namespace tsrec::host
