#include "commands/report_files.hpp"

#include <iostream>
#include <optional>
#include <set>

#include "report/csv.hpp"
#include "report/figures/figures.hpp"
#include "report/latex.hpp"
#include "report/markdown.hpp"
#include "report/page/comparison.hpp"
#include "report/results_table.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

void write(const std::string& place, const std::string& text) {
  if (place == kToOutput) {
    std::cout << text;
  } else {
    io::write_text(place, text);
    std::cout << "wrote " << place << std::endl;
  }
}

struct ReportFiles {
  std::string title;
  std::vector<RunReport> runs;             // that were named; none of cells
  std::optional<MatrixReport> comparison;  // of several runs or of cells, where it can be made
  std::vector<std::string> notes;          // what was left out of it
};

ReportFiles files_of(const Reported& reported, const std::vector<PageRun>& shown) {
  ReportFiles files;
  files.title = shown.front().experiment.run.name;
  files.notes = reported.notes;
  if (shown.size() > 1 || reported.has_cells())
    files.comparison = compared_runs(reported.settings, shown, files.notes);
  for (const PageRun& run : shown) {
    if (reported.has_cells()) break;
    files.runs.push_back(run.report);
    files.runs.back().name = run.name;
  }
  return files;
}

// The table of results first, then everything that reports say beside it.
std::string markdown_of_all(const ResultsTable& table, const ReportFiles& files) {
  std::string text = "# " + table.title + "\n\n" + markdown_of(table);
  if (files.comparison) text += "\n" + markdown_of(*files.comparison);
  for (const RunReport& run : files.runs) text += "\n" + markdown_of(run);
  return text;
}

// Each run's in a folder of its own where there are several; of a cell those of its SIDs and its
// cost alone, under its first seed.
void write_all_figures(const fs::path& folder, const ReportFiles& files,
                       const nlohmann::ordered_json& tuning, const std::vector<PageRun>& shown) {
  std::string problem;
  if (files.comparison)
    problem = figures::write_figures(figures::figures_of(*files.comparison), folder);
  if (!tuning.is_null())
    problem = figures::write_figures(figures::tuning_figures_of(tuning), folder);
  std::set<std::string> drawn;
  for (const PageRun& run : shown) {
    if (!drawn.insert(run.cell).second) continue;
    std::vector<figures::Figure> all;
    const auto append = [&](const std::vector<figures::Figure>& more) {
      all.insert(all.end(), more.begin(), more.end());
    };
    if (!files.runs.empty()) append(figures::figures_of(run.report));
    append(figures::sid_figures_of(run));
    append(figures::cost_figures_of(run));
    problem = figures::write_figures(all, folder / run.cell);
  }
  std::cout << "wrote the figures in " << folder.string() << std::endl;
  if (!problem.empty()) std::cout << problem << std::endl;
}

}  // namespace

bool asks_for_files(const Arguments& a) {
  return !a.markdown_file.empty() || !a.latex_file.empty() || !a.csv_file.empty() ||
         !a.figures.empty();
}

void write_report_files(const Arguments& arguments, const Reported& reported, const Store& store) {
  const std::vector<PageRun> shown = reported.shown(store);
  const ReportFiles files = files_of(reported, shown);
  if (files.runs.empty() && !files.comparison)
    throw ConfigError("no seed of this comparison has been measured in all cells; run it again");
  ResultsTable table =
      files.comparison ? results_table(*files.comparison, files.title) : results_table(files.runs);
  table.notes.insert(table.notes.end(), files.notes.begin(), files.notes.end());
  if (!arguments.published.empty()) add_published(table, read_published(arguments.published));
  if (!arguments.markdown_file.empty())
    write(arguments.markdown_file, markdown_of_all(table, files));
  if (!arguments.latex_file.empty()) write(arguments.latex_file, latex_of(table));
  if (!arguments.csv_file.empty())
    write(arguments.csv_file, files.runs.empty() ? csv_of(*files.comparison) : csv_of(files.runs));
  if (!arguments.figures.empty())
    write_all_figures(arguments.figures, files, reported.tuning, shown);
}

}  // namespace tsrec::host
