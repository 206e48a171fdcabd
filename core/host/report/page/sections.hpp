// What stands on the page of a run, section by section: a key of the run's JSON, and who makes it.
// Its picture is section_<name>.js in this folder.
#pragma once

#include <nlohmann/json.hpp>

#include "pipeline/store.hpp"
#include "report/run_report.hpp"

namespace tsrec::host {

// A run as sections see it; what it names lives longer than it does.
struct PageRun {
  std::string name;              // of its folder, of its experiment, or "words, seed 17" of a cell
  std::string cell;              // of a comparison; "" else
  std::filesystem::path folder;  // the run's own; empty where an experiment answers
  const Experiment& experiment;
  const Store& store;
  const std::vector<StageResult>& stages;  // as they lie in the store
  const RunReport& report;                 // of the same stages
  // Whether the rows of its models are drawn, for which each has to be loaded and placed on a map.
  bool draws_models = true;

  // The stored folder of a stage; empty where it is not stored.
  std::filesystem::path stored(const StageId& id) const;
};

struct PageSection {
  const char* key;                                     // "sid_map"
  nlohmann::ordered_json (*json)(const PageRun& run);  // null: this run has nothing to show there
  // It computes so much, or reads whole models, that a run which is still at work would feel it.
  bool waits_for_the_end = false;
};
const std::vector<PageSection>& page_sections();

}  // namespace tsrec::host
