// Charts as values, and one function for each that draws it: they know numbers and names, and
// nothing of runs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "support/api.hpp"
#include "support/statistics.hpp"

namespace tsrec::host::figures {

// Values over an axis, such as a loss over steps. A value that is no number is a gap in the line.
struct LineChart {
  struct Line {
    std::string name;
    std::vector<double> x, y;
    std::vector<Interval> band = {};  // one for each value, or none: what lies about the line
  };
  std::string title, x_label, y_label;
  std::vector<Line> lines;
};
TSREC_HOST_API std::string line_chart_svg(const LineChart& chart);

// Bars from 0, one below the other, with their values and intervals.
struct BarChart {
  struct Bar {
    std::string name;
    double value = 0;
    std::optional<Interval> interval;
  };
  std::string title, x_label;
  std::vector<Bar> bars;
  int digits = 4;  // of the values that stand beside the bars, behind the point
};
TSREC_HOST_API std::string bar_chart_svg(const BarChart& chart);

// Differences with their intervals, beside the line of no difference.
struct DifferenceChart {
  struct Difference {
    std::string name;
    double value = 0;
    Interval interval;
    bool is_significant = false;  // drawn full; others are hollow
  };
  std::string title, x_label;
  std::vector<Difference> differences;
};
TSREC_HOST_API std::string difference_chart_svg(const DifferenceChart& chart);

// How often each code of a level is used, the most used first; a panel for each level.
struct UsageChart {
  struct Level {
    std::string name;
    std::vector<int64_t> items;  // of each code, unused ones with 0, in any order
  };
  std::string title;
  std::vector<Level> levels;
};
TSREC_HOST_API std::string usage_chart_svg(const UsageChart& chart);

// Points of groups on a plane, in panels that share one scale.
struct PointChart {
  struct Point {
    double x = 0, y = 0;
    int64_t group = 0;  // -1: of the background, which is drawn grey and first
    std::string name = {};
  };
  struct Panel {
    std::string title;
    std::vector<Point> points;
  };
  std::string title, background;    // background: what group -1 is called
  std::vector<std::string> groups;  // names
  std::vector<Panel> panels;
};
TSREC_HOST_API std::string point_chart_svg(const PointChart& chart);

// A matrix of counts, darker where there are more.
struct CountChart {
  std::string title, x_label, y_label;
  std::vector<std::string> columns, rows;
  std::vector<std::vector<int64_t>> count;  // by row, then column
};
TSREC_HOST_API std::string count_chart_svg(const CountChart& chart);

}  // namespace tsrec::host::figures
