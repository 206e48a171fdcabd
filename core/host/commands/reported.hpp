// What a report is about: whatever people have in hand, as runs that are stored.
#pragma once

#include "commands/shown_runs.hpp"

namespace tsrec::host {

struct Reported {
  CompareSettings settings;  // without cells where runs were named one by one
  std::vector<std::unique_ptr<ShownRun>> runs;
  std::vector<std::string> notes;  // what is missing, as sentences
  nlohmann::ordered_json tuning;   // tuning.json of a tuning; null else
  // Of the one run, comparison or tuning that it is about; empty: of an experiment, or of several.
  std::filesystem::path folder;

  bool has_cells() const { return !settings.cells.empty(); }
  // Of a cell the models are drawn under its first seed alone: a matrix has many seeds, and each
  // would load all of its models.
  std::vector<PageRun> shown(const Store& store) const;
};

// All that the words name. A run, or its folder, is itself; the folder of a comparison or a tuning
// all of its cells and seeds. The document of an experiment stands for the newest tuning that was
// made of it, where it has [tune]; for what is stored of its cells, where it has [compare]; else
// for what is stored of its run. Throws ConfigError where nothing is.
Reported reported(const Arguments& arguments, const Store& store);

// The name of a page in the folder of what it is about.
inline constexpr const char* kPageFile = "report.html";

void write_page(const Reported& reported, const Store& store, const std::filesystem::path& file);
// The page in the folder of what has come to its end just now: the bytes that `tsrec report` of
// that folder writes. Return the line that says where it lies, or why there is none, which is no
// reason to fail: of many runs it is left to that command. report: of the same run, which is not
// computed again.
std::string write_page_of_run(const Opened& opened, const Store& store,
                              const std::filesystem::path& folder, const RunReport& report);
std::string write_page_of_cells(const Opened& base, const Store& store,
                                const std::filesystem::path& folder);

}  // namespace tsrec::host
