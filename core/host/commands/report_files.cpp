#include "commands/report_files.hpp"

#include <iostream>

#include "report/csv.hpp"
#include "report/figures/figures.hpp"
#include "report/latex.hpp"
#include "report/markdown.hpp"
#include "report/results_table.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// "": was not asked for; "-": standard output.
void write(const std::string& place, const std::string& text) {
  if (place == kToOutput) {
    std::cout << text;
  } else if (!place.empty()) {
    io::write_text(place, text);
    std::cout << "wrote " << place << std::endl;
  }
}

// The table of results first, then everything that reports say beside it.
std::string markdown_of_all(const ResultsTable& table, const std::vector<RunReport>& runs,
                            const std::optional<MatrixReport>& comparison) {
  std::string text = "# " + table.title + "\n\n" + markdown_of(table);
  if (comparison) return text + "\n" + markdown_of(*comparison);
  for (const RunReport& run : runs) text += "\n" + markdown_of(run);
  return text;
}

// Each run's in a folder of its own where there are several.
void write_all_figures(const fs::path& folder, const std::vector<RunReport>& runs,
                       const std::optional<MatrixReport>& comparison) {
  std::string problem;
  if (comparison) problem = figures::write_figures(figures::figures_of(*comparison), folder);
  for (const RunReport& run : runs) {
    if (comparison) break;
    problem = figures::write_figures(figures::figures_of(run),
                                     runs.size() > 1 ? folder / run.name : folder);
  }
  std::cout << "wrote the figures in " << folder.string() << std::endl;
  if (!problem.empty()) std::cout << problem << std::endl;
}

}  // namespace

bool asks_for_files(const Arguments& a) {
  return !a.markdown_file.empty() || !a.latex_file.empty() || !a.csv_file.empty() ||
         !a.figures.empty();
}

void write_report_files(const Arguments& arguments, const std::vector<RunReport>& runs,
                        const std::optional<MatrixReport>& comparison, const std::string& title) {
  ResultsTable table = comparison ? results_table(*comparison, title) : results_table(runs);
  if (!arguments.published.empty()) add_published(table, read_published(arguments.published));
  write(arguments.markdown_file, markdown_of_all(table, runs, comparison));
  write(arguments.latex_file, latex_of(table));
  write(arguments.csv_file, comparison ? csv_of(*comparison) : csv_of(runs));
  if (!arguments.figures.empty()) write_all_figures(arguments.figures, runs, comparison);
}

}  // namespace tsrec::host
