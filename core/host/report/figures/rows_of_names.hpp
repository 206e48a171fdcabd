// A panel whose rows have names: bars and intervals lie beside these, over one axis of values.
#pragma once

#include "report/figures/panel.hpp"
#include "support/statistics.hpp"

namespace tsrec::host::figures {

class RowsOfNames {
 public:
  // room_behind: to the right of the panel, for what is printed there.
  RowsOfNames(std::vector<std::string> names, Axis x, double room_behind);

  const Panel& panel() const { return panel_; }
  double width() const;
  double height() const;
  double at(size_t row) const;  // the middle of it
  void draw(Svg& svg, const std::string& title, const std::string& x_label) const;
  // A line from end to end, with a stop at each.
  void draw_interval(Svg& svg, size_t row, const Interval& interval,
                     const std::string& colour) const;

 private:
  std::vector<std::string> names_;
  Panel panel_;
  double room_behind_ = 0;
};

}  // namespace tsrec::host::figures
