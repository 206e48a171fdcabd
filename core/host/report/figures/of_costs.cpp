// What a run's stages took.
#include <algorithm>

#include "report/figures/charts.hpp"
#include "report/figures/figures.hpp"
#include "report/page/run_json.hpp"

namespace tsrec::host::figures {

std::vector<Figure> cost_figures_of(const PageRun& run) {
  constexpr size_t kSlowest = 12;  // of the stages, as on the page
  BarChart chart{"Seconds by stage", "seconds", {}, /*digits=*/1};
  const nlohmann::ordered_json cost = cost_section(run);
  for (const auto& [name, stage] : cost.at("stages").items())
    chart.bars.push_back({name, stage.value("seconds", 0.0), {}});
  std::stable_sort(chart.bars.begin(), chart.bars.end(),
                   [](const auto& a, const auto& b) { return a.value > b.value; });
  if (chart.bars.size() > kSlowest) chart.bars.resize(kSlowest);
  if (chart.bars.empty()) return {};
  return {{"seconds-by-stage", bar_chart_svg(chart)}};
}

}  // namespace tsrec::host::figures
