#include "report/figures/panel.hpp"

#include <algorithm>
#include <cmath>

#include "report/figures/style.hpp"
#include "support/number_text.hpp"

namespace tsrec::host::figures {
namespace {

// The smallest of 1, 2, 5 times a power of ten that is no smaller.
double round_step(double step, int& power) {
  power = static_cast<int>(std::floor(std::log10(step)));
  const double unit = std::pow(10.0, power);
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * unit >= step * (1 - 1e-9)) return factor * unit;
  }
  ++power;
  return 10 * unit;
}

const Svg::Attributes kAxisStyle = {{"stroke", style::kInk}, {"stroke-width", style::kThin}};
const Svg::Attributes kGridStyle = {{"stroke", style::kGrid}, {"stroke-width", style::kThin}};
constexpr double kMarkLength = 3;  // length, pixels

std::string mark_text(const Axis& axis, double mark) {
  const std::string text = fixed(mark, axis.digits);
  return text == "-" + fixed(0, axis.digits) ? text.substr(1) : text;
}

}  // namespace

void Span::take(double value) {
  if (!std::isfinite(value)) return;
  low = std::min(low, value);
  high = std::max(high, value);
}

Axis axis_over(const Span& span, int about) {
  double low = span.is_empty() ? 0 : span.low, high = span.is_empty() ? 1 : span.high;
  if (high - low <= 1e-12 * std::max(std::abs(low), std::abs(high)) || high == low) {
    const double room = low == 0 ? 1 : std::abs(low) / 10;
    low -= room;
    high += room;
  }
  int power = 0;
  const double step = round_step((high - low) / about, power);
  Axis axis;
  axis.digits = std::max(0, -power);
  const double first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
  for (double i = first; i <= last; ++i) axis.marks.push_back(i * step);
  return axis;
}

double Panel::at_x(double value) const {
  return corner.x + (value - x.low()) / (x.high() - x.low()) * width;
}

double Panel::at_y(double value) const {
  return corner.y + height - (value - y.low()) / (y.high() - y.low()) * height;
}

double widest_mark(const Axis& axis) {
  double widest = 0;
  for (const double mark : axis.marks)
    widest = std::max(widest, style::width_of(mark_text(axis, mark)));
  return widest;
}

void draw_x_axis(Svg& svg, const Panel& panel, const std::string& label) {
  const double foot = panel.corner.y + panel.height;
  svg.begin("g", {{"class", "x-axis"}, {"text-anchor", "middle"}});
  for (const double mark : panel.x.marks) {
    const double x = panel.at_x(mark);
    svg.line({x, panel.corner.y}, {x, foot}, kGridStyle);
    svg.line({x, foot}, {x, foot + kMarkLength}, kAxisStyle);
    svg.words({x, foot + kMarkLength + style::kFontSize}, mark_text(panel.x, mark));
  }
  svg.line({panel.corner.x, foot}, {panel.corner.x + panel.width, foot}, kAxisStyle);
  if (!label.empty())
    svg.words({panel.corner.x + panel.width / 2, foot + kMarkLength + 2.4 * style::kFontSize},
              label);
  svg.end();
}

void draw_y_axis(Svg& svg, const Panel& panel, const std::string& label) {
  const double left = panel.corner.x;
  svg.begin("g", {{"class", "y-axis"}, {"text-anchor", "end"}});
  for (const double mark : panel.y.marks) {
    const double y = panel.at_y(mark);
    svg.line({left, y}, {left + panel.width, y}, kGridStyle);
    svg.line({left - kMarkLength, y}, {left, y}, kAxisStyle);
    svg.words({left - kMarkLength - 2, y + 0.35 * style::kFontSize}, mark_text(panel.y, mark));
  }
  svg.line({left, panel.corner.y}, {left, panel.corner.y + panel.height}, kAxisStyle);
  if (!label.empty()) {
    const double x = left - kMarkLength - 2 - widest_mark(panel.y) - 0.8 * style::kFontSize,
                 y = panel.corner.y + panel.height / 2;
    svg.words({x, y}, label,
              {{"text-anchor", "middle"},
               {"transform", "rotate(-90 " + coordinate(x) + " " + coordinate(y) + ")"}});
  }
  svg.end();
}

void draw_title(Svg& svg, const Panel& panel, const std::string& title) {
  svg.words({panel.corner.x, panel.corner.y - 0.8 * style::kFontSize}, title,
            {{"class", "title"}, {"font-weight", "bold"}});
}

}  // namespace tsrec::host::figures
