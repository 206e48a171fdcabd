#include "pipeline/host_keys.hpp"

#include <algorithm>

namespace tsrec::host {
namespace {

template <class Settings>
HostTable table(const char* name) {
  HostTable table;
  const auto settings = std::make_shared<Settings>();
  settings->declare(table.options);
  table.name = name;
  table.settings = settings;
  return table;
}

constexpr const char* kAnyPart = "any part";

}  // namespace

std::vector<HostTable> host_tables() {
  std::vector<HostTable> tables;
  tables.push_back(table<EntryKeys>(kAnyPart));
  tables.push_back(table<RunSettings>("[run]"));
  tables.push_back(table<TaskEntry>("[[task]]"));
  tables.push_back(table<StageEntry>("[[stage]]"));
  tables.push_back(table<WeightKey>("[[stage.reward]]"));
  tables.push_back(table<AuditSettings>("[audit]"));
  tables.push_back(table<EvaluateSettings>("[evaluate]"));
  tables.push_back(table<ReportSettings>("[report]"));
  tables.push_back(table<CompareSettings>("[compare]"));
  tables.push_back(table<StopRule>("[compare.stop_when]"));
  tables.push_back(table<TuneSettings>("[tune]"));
  return tables;
}

std::vector<HostTable> host_tables_of(const Kind& kind) {
  std::vector<HostTable> tables = host_tables();
  std::erase_if(tables, [&](const HostTable& table) {
    return table.name != kAnyPart && table.name != kind.table();
  });
  return tables;
}

std::vector<std::string> top_tables() {
  std::vector<std::string> tables = {"include", "run"};
  for (const Kind& kind : kinds()) {
    const std::string top = kind.path_parts().front();
    if (std::find(tables.begin(), tables.end(), top) == tables.end()) tables.push_back(top);
  }
  for (const char* others : {"prompt", "audit", "report", "compare", "tune"})
    tables.emplace_back(others);
  return tables;
}

}  // namespace tsrec::host
