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
// The cells of a comparison whose folders are there, in their order, with all their seeds, as far
// as they are not among `known`, folders of cells.
std::vector<std::unique_ptr<ShownRun>> shown_cells(
    const Arguments& arguments, const Opened& comparison, const std::filesystem::path& folder,
    const std::vector<std::filesystem::path>& known = {});

// The names of their experiments, each once.
std::string title_of(const std::vector<std::unique_ptr<ShownRun>>& runs);

}  // namespace tsrec::host
