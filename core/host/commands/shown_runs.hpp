// The runs that a page shows: those that were named, or the cells of a comparison with their seeds.
#pragma once

#include <memory>

#include "commands/open.hpp"
#include "report/page/page.hpp"

namespace tsrec::host {

struct ShownRun {
  std::string name;              // of its folder, of its experiment, or "words, seed 17" of a cell
  std::string cell;              // of a comparison; "" else
  std::filesystem::path folder;  // empty: of an experiment
  Opened opened;
  std::vector<StageResult> stages;
  RunReport report;
  PageRun page_run(const Store& store) const;
};

// What was opened, by the name that people know it by. Its stages are not read yet.
std::unique_ptr<ShownRun> shown_run(Opened opened, const std::filesystem::path& folder,
                                    const std::string& cell);
// named: as the user named it.
std::unique_ptr<ShownRun> shown_run(const Arguments& arguments, const std::string& named);

// A comparison's folder, or what is no such thing.
bool has_cells(const std::filesystem::path& folder);
// Of a comparison's folder the run of this cell and seed; null where it was not begun there.
std::unique_ptr<ShownRun> begun_run(const Arguments& arguments, const Opened& comparison,
                                    const std::filesystem::path& folder, const CellUnderSeed& cell);

// The names of their experiments, each once.
std::string title_of(const std::vector<std::unique_ptr<ShownRun>>& runs);

}  // namespace tsrec::host
