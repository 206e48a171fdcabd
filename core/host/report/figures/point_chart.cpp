#include <algorithm>

#include "report/figures/charts.hpp"
#include "report/figures/panel.hpp"
#include "report/figures/style.hpp"

namespace tsrec::host::figures {
namespace {

using Point = PointChart::Point;

constexpr double kPointsSide = 320, kPointsGap = 20, kPointsHead = 48, kPointsFoot = 44,
                 kPointsMargin = 6;

// Both axes have one scale, so that distances are what they look like.
void make_square(Span& x, Span& y) {
  const double half = std::max({x.high - x.low, y.high - y.low, 1e-12}) / 2;
  for (Span* span : {&x, &y}) {
    const double middle = (span->low + span->high) / 2;
    *span = {middle - half, middle + half};
  }
}

void draw_point(Svg& svg, const Panel& panel, const Point& point) {
  const bool is_background = point.group < 0;
  svg.circle(
      panel.at(point.x, point.y), is_background ? 1.5 : 2.2,
      {{"fill", is_background ? style::kFaint : style::colour(static_cast<size_t>(point.group))}},
      point.name);
}

}  // namespace

std::string point_chart_svg(const PointChart& chart) {
  Span x, y;
  for (const PointChart::Panel& panel : chart.panels) {
    for (const Point& point : panel.points) {
      x.take(point.x);
      y.take(point.y);
    }
  }
  if (x.is_empty()) x = y = {0, 1};
  make_square(x, y);
  const double width =
      kPointsGap + static_cast<double>(chart.panels.size()) * (kPointsSide + kPointsGap);
  Svg svg(width, kPointsHead + kPointsSide + kPointsFoot, chart.title);
  svg.words({kPointsGap, 1.4 * style::kFontSize}, chart.title,
            {{"class", "title"}, {"font-weight", "bold"}});
  for (size_t p = 0; p < chart.panels.size(); ++p) {
    const double left = kPointsGap + static_cast<double>(p) * (kPointsSide + kPointsGap);
    svg.begin("g", {{"class", "panel"}, {"aria-label", chart.panels[p].title}});
    svg.words({left, kPointsHead - 0.6 * style::kFontSize}, chart.panels[p].title);
    svg.rectangle({left, kPointsHead}, kPointsSide, kPointsSide,
                  {{"fill", "none"}, {"stroke", style::kInk}, {"stroke-width", style::kThin}});
    const Panel panel{{left + kPointsMargin, kPointsHead + kPointsMargin},
                      kPointsSide - 2 * kPointsMargin,
                      kPointsSide - 2 * kPointsMargin,
                      {{x.low, x.high}},
                      {{y.low, y.high}}};
    for (const bool is_background : {true, false}) {
      for (const Point& point : chart.panels[p].points) {
        if ((point.group < 0) == is_background) draw_point(svg, panel, point);
      }
    }
    svg.end();
  }
  double at = kPointsGap;
  const auto legend = [&](const std::string& name, const std::string& colour) {
    svg.circle({at + 4, kPointsHead + kPointsSide + 20}, 4, {{"fill", colour}});
    svg.words({at + 13, kPointsHead + kPointsSide + 20 + 0.35 * style::kFontSize}, name);
    at += 26 + style::width_of(name);
  };
  if (!chart.background.empty()) legend(chart.background, style::kFaint);
  for (size_t g = 0; g < chart.groups.size(); ++g) legend(chart.groups[g], style::colour(g));
  return svg.finished();
}

}  // namespace tsrec::host::figures
