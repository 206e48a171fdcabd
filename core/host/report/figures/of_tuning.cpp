// How a search for options went on.
#include <algorithm>

#include "report/figures/charts.hpp"
#include "report/figures/figures.hpp"
#include "report/results_table.hpp"

namespace tsrec::host::figures {
namespace {

using nlohmann::ordered_json;

// Of the trials that did not fail, up to each of them.
LineChart::Line best_so_far(const std::string& name, const ordered_json& model) {
  const ordered_json& trials = model.at("trials");
  const auto chosen = trials.at(model.at("chosen").get<size_t>()).at("number").get<double>();
  // Which way is better stands in the choice itself: none of the trials beats it.
  const bool is_higher = std::all_of(trials.begin(), trials.end(), [&](const ordered_json& trial) {
    return !trial.contains("number") || trial["number"].get<double>() <= chosen;
  });
  LineChart::Line line{name, {}, {}, {}};
  for (size_t t = 0; t < trials.size(); ++t) {
    if (!trials[t].contains("number")) continue;
    const auto number = trials[t]["number"].get<double>();
    const bool is_best =
        line.y.empty() || (is_higher ? number > line.y.back() : number < line.y.back());
    line.x.push_back(static_cast<double>(t + 1));
    line.y.push_back(is_best ? number : line.y.back());
  }
  return line;
}

}  // namespace

std::vector<Figure> tuning_figures_of(const ordered_json& tuning) {
  const auto number = paper_name(tuning.at("number").get<std::string>());
  LineChart chart{"The best " + number + " of validation rows so far", "trial", number, {}};
  for (const auto& [name, model] : tuning.at("models").items()) {
    if (model.at("trials").size() > 1) chart.lines.push_back(best_so_far(name, model));
  }
  if (chart.lines.empty()) return {};
  return {{"tuning", line_chart_svg(chart)}};
}

}  // namespace tsrec::host::figures
