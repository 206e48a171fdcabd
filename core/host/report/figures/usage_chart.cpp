#include <algorithm>

#include "report/figures/charts.hpp"
#include "report/figures/panel.hpp"
#include "report/figures/style.hpp"

namespace tsrec::host::figures {
namespace {

constexpr double kUsageWidth = 190, kUsageHeight = 130, kUsageHead = 48, kUsageFoot = 42,
                 kUsageGap = 22;

// As steps: every code has the width of one.
std::vector<Place> outline_of(const std::vector<int64_t>& items, const Panel& panel) {
  std::vector<Place> outline = {panel.at(0, 0)};
  for (size_t i = 0; i < items.size(); ++i) {
    for (const double x : {static_cast<double>(i), static_cast<double>(i + 1)})
      outline.push_back(panel.at(x, static_cast<double>(items[i])));
  }
  outline.push_back(panel.at(static_cast<double>(items.size()), 0));
  return outline;
}

}  // namespace

std::string usage_chart_svg(const UsageChart& chart) {
  Span y;
  y.take(0);
  for (const UsageChart::Level& level : chart.levels) {
    for (const int64_t items : level.items) y.take(static_cast<double>(items));
  }
  const Axis y_axis = axis_over(y, 4);
  const double left = 30 + widest_mark(y_axis);
  const auto num_levels = static_cast<double>(chart.levels.size());
  Svg svg(left + num_levels * (kUsageWidth + kUsageGap), kUsageHead + kUsageHeight + kUsageFoot,
          chart.title);
  svg.words({left, 1.4 * style::kFontSize}, chart.title,
            {{"class", "title"}, {"font-weight", "bold"}});
  for (size_t l = 0; l < chart.levels.size(); ++l) {
    std::vector<int64_t> items = chart.levels[l].items;
    std::sort(items.begin(), items.end(), std::greater<>());
    const auto num_used =
        std::count_if(items.begin(), items.end(), [](int64_t count) { return count > 0; });
    Span x;
    x.take(0);
    x.take(static_cast<double>(items.size()));
    const Panel panel{{left + static_cast<double>(l) * (kUsageWidth + kUsageGap), kUsageHead},
                      kUsageWidth,
                      kUsageHeight,
                      axis_over(x, 4),
                      y_axis};
    svg.begin("g", {{"class", "level"}, {"aria-label", chart.levels[l].name}});
    svg.words({panel.corner.x, kUsageHead - 0.6 * style::kFontSize},
              chart.levels[l].name + ": " + std::to_string(num_used) + " of " +
                  std::to_string(items.size()) + " codes");
    draw_x_axis(svg, panel, "codes, the most used first");
    if (l == 0) draw_y_axis(svg, panel, "items");
    svg.polygon(outline_of(items, panel),
                {{"class", "usage"}, {"fill", style::colour(l)}, {"fill-opacity", "0.75"}});
    svg.end();
  }
  return svg.finished();
}

}  // namespace tsrec::host::figures
