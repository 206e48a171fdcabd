#include <algorithm>
#include <cmath>

#include "report/figures/charts.hpp"
#include "report/figures/panel.hpp"
#include "report/figures/style.hpp"

namespace tsrec::host::figures {
namespace {

using Line = LineChart::Line;

constexpr double kLineWidth = 360, kLineHeight = 225, kLineHead = 30, kLineFoot = 42, kLineGap = 16;
constexpr size_t kFewPoints = 12;  // so many are drawn as points too

// Stretches without a gap, first and behind the last.
std::vector<std::pair<size_t, size_t>> stretches(const Line& line) {
  std::vector<std::pair<size_t, size_t>> found;
  for (size_t i = 0; i < line.y.size(); ++i) {
    if (!std::isfinite(line.y[i])) continue;
    if (i > 0 && std::isfinite(line.y[i - 1]))
      found.back().second = i + 1;
    else
      found.emplace_back(i, i + 1);
  }
  return found;
}

void draw_band(Svg& svg, const Panel& panel, const Line& line, const std::string& colour) {
  if (line.band.empty()) return;
  for (const auto& [first, last] : stretches(line)) {
    std::vector<Place> outline;
    for (size_t i = first; i < last; ++i) outline.push_back(panel.at(line.x[i], line.band[i].high));
    for (size_t i = last; i-- > first;) outline.push_back(panel.at(line.x[i], line.band[i].low));
    svg.polygon(outline, {{"class", "band"}, {"fill", colour}, {"fill-opacity", "0.15"}});
  }
}

void draw_line(Svg& svg, const Panel& panel, const Line& line, size_t index) {
  const std::string colour = style::colour(index);
  for (const auto& [first, last] : stretches(line)) {
    std::vector<Place> places;
    for (size_t i = first; i < last; ++i) places.push_back(panel.at(line.x[i], line.y[i]));
    svg.polyline(places, {{"class", "line"},
                          {"stroke", colour},
                          {"stroke-width", "1.5"},
                          {"stroke-linejoin", "round"},
                          {"stroke-dasharray", style::dashes(index)}});
    const bool is_alone = last - first == 1;  // which no line shows
    if (line.y.size() > kFewPoints && !is_alone) continue;
    for (const Place& place : places) svg.circle(place, 2, {{"fill", colour}});
  }
}

void draw_legend(Svg& svg, const std::vector<Line>& lines, Place at) {
  for (size_t i = 0; i < lines.size(); ++i) {
    const double y = at.y + (static_cast<double>(i) + 0.5) * 1.5 * style::kFontSize;
    svg.line({at.x, y}, {at.x + 20, y},
             {{"stroke", style::colour(i)},
              {"stroke-width", "1.5"},
              {"stroke-dasharray", style::dashes(i)}});
    svg.words({at.x + 25, y + 0.35 * style::kFontSize}, lines[i].name);
  }
}

}  // namespace

std::string line_chart_svg(const LineChart& chart) {
  Span x, y;
  double widest_name = 0;
  for (const Line& line : chart.lines) {
    for (size_t i = 0; i < line.y.size(); ++i) {
      if (!std::isfinite(line.y[i])) continue;
      x.take(line.x[i]);
      y.take(line.y[i]);
      if (line.band.empty()) continue;
      y.take(line.band[i].low);
      y.take(line.band[i].high);
    }
    widest_name = std::max(widest_name, style::width_of(line.name));
  }
  Panel panel{{0, kLineHead}, kLineWidth, kLineHeight, axis_over(x), axis_over(y)};
  panel.corner.x = 30 + widest_mark(panel.y);
  const bool has_legend = chart.lines.size() > 1;
  const double legend = 1.5 * style::kFontSize * static_cast<double>(chart.lines.size());
  Svg svg(panel.corner.x + kLineWidth + kLineGap + (has_legend ? 30 + widest_name : 0),
          kLineHead + std::max(kLineHeight, has_legend ? legend : 0) + kLineFoot, chart.title);
  draw_title(svg, panel, chart.title);
  draw_x_axis(svg, panel, chart.x_label);
  draw_y_axis(svg, panel, chart.y_label);
  for (size_t i = 0; i < chart.lines.size(); ++i) {
    svg.begin("g", {{"class", "series"}, {"aria-label", chart.lines[i].name}});
    draw_band(svg, panel, chart.lines[i], style::colour(i));
    draw_line(svg, panel, chart.lines[i], i);
    svg.end();
  }
  if (has_legend)
    draw_legend(svg, chart.lines, {panel.corner.x + kLineWidth + kLineGap, panel.corner.y});
  return svg.finished();
}

}  // namespace tsrec::host::figures
