#include <algorithm>

#include "report/figures/charts.hpp"
#include "report/figures/panel.hpp"
#include "report/figures/rows_of_names.hpp"
#include "report/figures/style.hpp"
#include "support/number_text.hpp"

namespace tsrec::host::figures {
namespace {

constexpr double kBar = 11;  // its thickness

}  // namespace

std::string bar_chart_svg(const BarChart& chart) {
  Span span;
  span.take(0);
  std::vector<std::string> names;
  for (const BarChart::Bar& bar : chart.bars) {
    names.push_back(bar.name);
    span.take(bar.value);
    if (!bar.interval) continue;
    span.take(bar.interval->low);
    span.take(bar.interval->high);
  }
  const RowsOfNames rows(names, axis_over(span), /*room_behind=*/50);
  Svg svg(rows.width(), rows.height(), chart.title);
  rows.draw(svg, chart.title, chart.x_label);
  for (size_t i = 0; i < chart.bars.size(); ++i) {
    const BarChart::Bar& bar = chart.bars[i];
    const double zero = rows.panel().at_x(0), end = rows.panel().at_x(bar.value), y = rows.at(i);
    svg.rectangle({std::min(zero, end), y - kBar / 2}, std::abs(end - zero), kBar,
                  {{"class", "bar"}, {"fill", style::colour(0)}, {"fill-opacity", "0.75"}});
    if (bar.interval) rows.draw_interval(svg, i, *bar.interval, style::kInk);
    svg.words({rows.panel().corner.x + rows.panel().width + 8, y + 0.35 * style::kFontSize},
              fixed(bar.value, chart.digits));
  }
  return svg.finished();
}

std::string difference_chart_svg(const DifferenceChart& chart) {
  Span span;
  span.take(0);
  std::vector<std::string> names;
  for (const DifferenceChart::Difference& difference : chart.differences) {
    names.push_back(difference.name);
    span.take(difference.value);
    span.take(difference.interval.low);
    span.take(difference.interval.high);
  }
  const RowsOfNames rows(names, axis_over(span), /*room_behind=*/58);
  Svg svg(rows.width(), rows.height(), chart.title);
  rows.draw(svg, chart.title, chart.x_label);
  const Panel& panel = rows.panel();
  svg.line({panel.at_x(0), panel.corner.y}, {panel.at_x(0), panel.corner.y + panel.height},
           {{"class", "zero"},
            {"stroke", style::kInk},
            {"stroke-width", style::kThin},
            {"stroke-dasharray", "3 2"}});
  for (size_t i = 0; i < chart.differences.size(); ++i) {
    const DifferenceChart::Difference& difference = chart.differences[i];
    const std::string colour = style::colour(difference.value < 0 ? 1 : 0);
    rows.draw_interval(svg, i, difference.interval, colour);
    svg.circle({panel.at_x(difference.value), rows.at(i)}, 3.5,
               {{"class", "difference"},
                {"fill", difference.is_significant ? colour : style::kPaper},
                {"stroke", colour},
                {"stroke-width", "1.25"}});
    svg.words({panel.corner.x + panel.width + 8, rows.at(i) + 0.35 * style::kFontSize},
              signed_fixed(difference.value));
  }
  return svg.finished();
}

}  // namespace tsrec::host::figures
