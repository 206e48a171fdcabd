// The charts of a report as files for a paper: SVG, and PNG beside it.
#pragma once

#include <filesystem>

#include "report/matrix_report.hpp"
#include "report/page/sections.hpp"
#include "report/row_map.hpp"
#include "report/run_report.hpp"

namespace tsrec::host::figures {

struct Figure {
  std::string name;  // of its files, without their ending: "curve-valid-loss"
  std::string svg;
};

// Numbers by item with their intervals, over the length of the list and by groups of rows,
// differences of the models from those that they were trained from, where targets moved, curves,
// and trainings against their start.
TSREC_HOST_API std::vector<Figure> figures_of(const RunReport& report);
// Means over seeds with their standard deviation, differences from MatrixReport::against and from
// the models that others were trained from, curves.
TSREC_HOST_API std::vector<Figure> figures_of(const MatrixReport& report);
// Of what the run's SIDs are: the use of every level's codes, how many items share a SID, how many
// first codes of the target a list has, items coloured by their first code on two planes, and
// figure_of(RowMap) of its models.
// None without SIDs; a map that cannot be drawn is left out, and the page says why.
TSREC_HOST_API std::vector<Figure> sid_figures_of(const PageRun& run);
// The seconds of the slowest stages. None of a run that no stage of is stored.
TSREC_HOST_API std::vector<Figure> cost_figures_of(const PageRun& run);
// tuning.json: the best number so far, trial by trial. None where no model had a second trial.
TSREC_HOST_API std::vector<Figure> tuning_figures_of(const nlohmann::ordered_json& tuning);
// Rows of SID tokens among those of words: the paper's Figure 1.
TSREC_HOST_API Figure figure_of(const RowMap& map);

// Writes NAME.svg of each into the folder, which is made, and NAME.png where `rsvg-convert` of
// librsvg is installed. Returns a sentence for the user where it is not, or where it failed; ""
// else.
TSREC_HOST_API std::string write_figures(const std::vector<Figure>& figures,
                                         const std::filesystem::path& folder);

}  // namespace tsrec::host::figures
