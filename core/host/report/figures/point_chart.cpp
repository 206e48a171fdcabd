#include <algorithm>

#include "report/figures/charts.hpp"
#include "report/figures/panel.hpp"
#include "report/figures/style.hpp"

namespace tsrec::host::figures {
namespace {

using Point = PointChart::Point;

constexpr double kPointsSide = 320, kPointsGap = 20, kPointsHead = 48, kPointsFoot = 44,
                 kPointsMargin = 6, kPointsLine = 16;

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

struct LegendEntry {
  std::string name, colour;
  double x = 0;
  size_t line = 0;
};

// In as many lines as the width asks for.
std::vector<LegendEntry> legend_of(const PointChart& chart, double width) {
  std::vector<LegendEntry> entries;
  if (!chart.background.empty()) entries.push_back({chart.background, style::kFaint});
  for (size_t g = 0; g < chart.groups.size(); ++g)
    entries.push_back({chart.groups[g], style::colour(g)});
  double x = kPointsGap;
  size_t line = 0;
  for (LegendEntry& entry : entries) {
    const double own = 26 + style::width_of(entry.name);
    if (x > kPointsGap && x + own > width) {
      x = kPointsGap;
      ++line;
    }
    entry.x = x;
    entry.line = line;
    x += own;
  }
  return entries;
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
  const std::vector<LegendEntry> legend = legend_of(chart, width);
  const double more = legend.empty() ? 0 : kPointsLine * static_cast<double>(legend.back().line);
  Svg svg(width, kPointsHead + kPointsSide + kPointsFoot + more, chart.title);
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
  for (const LegendEntry& entry : legend) {
    const double middle =
        kPointsHead + kPointsSide + 20 + kPointsLine * static_cast<double>(entry.line);
    svg.circle({entry.x + 4, middle}, 4, {{"class", "key"}, {"fill", entry.colour}});
    svg.words({entry.x + 13, middle + 0.35 * style::kFontSize}, entry.name);
  }
  return svg.finished();
}

}  // namespace tsrec::host::figures
