// A panel of a figure: where values lie on the page, and its axes.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "report/figures/svg.hpp"

namespace tsrec::host::figures {

struct Span {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  void take(double value);  // of numbers; others are passed over
  bool is_empty() const { return low > high; }
};

// An axis from its first mark to its last; marks are multiples of 1, 2 or 5 times a power of ten.
struct Axis {
  std::vector<double> marks;
  int digits = 0;  // decimals that tell the marks apart
  double low() const { return marks.front(); }
  double high() const { return marks.back(); }
};
// Covers the span with about that many steps; an empty span is 0 to 1.
Axis axis_over(const Span& span, int about = 5);

struct Panel {
  Place corner;  // upper left
  double width = 0, height = 0;
  Axis x, y;

  double at_x(double value) const;
  double at_y(double value) const;
  Place at(double x_value, double y_value) const { return {at_x(x_value), at_y(y_value)}; }
};

// Below and to the left, with marks, their numbers and thin lines across the panel.
void draw_x_axis(Svg& svg, const Panel& panel, const std::string& label);
void draw_y_axis(Svg& svg, const Panel& panel, const std::string& label);
void draw_title(Svg& svg, const Panel& panel, const std::string& title);
// Room that the numbers of an axis take.
double widest_mark(const Axis& axis);

}  // namespace tsrec::host::figures
