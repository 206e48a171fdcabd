#include "report/figures/rows_of_names.hpp"

#include <algorithm>

#include "report/figures/style.hpp"

namespace tsrec::host::figures {
namespace {

constexpr double kRowsWidth = 320, kRowsRow = 19, kRowsHead = 30, kRowsFoot = 42, kRowsGap = 8;

}  // namespace

RowsOfNames::RowsOfNames(std::vector<std::string> names, Axis x, double room_behind)
    : names_(std::move(names)), room_behind_(room_behind) {
  double widest = 0;
  for (const std::string& name : names_) widest = std::max(widest, style::width_of(name));
  panel_ = {{widest + 2 * kRowsGap, kRowsHead},
            kRowsWidth,
            kRowsRow * static_cast<double>(names_.size()),
            std::move(x),
            {}};
}

double RowsOfNames::width() const { return panel_.corner.x + kRowsWidth + room_behind_; }

double RowsOfNames::height() const { return kRowsHead + panel_.height + kRowsFoot; }

double RowsOfNames::at(size_t row) const {
  return kRowsHead + kRowsRow * (static_cast<double>(row) + 0.5);
}

void RowsOfNames::draw(Svg& svg, const std::string& title, const std::string& x_label) const {
  svg.words({kRowsGap, kRowsHead - 0.8 * style::kFontSize}, title,
            {{"class", "title"}, {"font-weight", "bold"}});
  draw_x_axis(svg, panel_, x_label);
  for (size_t i = 0; i < names_.size(); ++i)
    svg.words({panel_.corner.x - kRowsGap, at(i) + 0.35 * style::kFontSize}, names_[i],
              {{"class", "name"}, {"text-anchor", "end"}});
}

void RowsOfNames::draw_interval(Svg& svg, size_t row, const Interval& interval,
                                const std::string& colour) const {
  const double y = at(row), low = panel_.at_x(interval.low), high = panel_.at_x(interval.high);
  const Svg::Attributes style = {{"stroke", colour}, {"stroke-width", "1.25"}};
  svg.begin("g", {{"class", "interval"}});
  svg.line({low, y}, {high, y}, style);
  for (const double x : {low, high}) svg.line({x, y - 3}, {x, y + 3}, style);
  svg.end();
}

}  // namespace tsrec::host::figures
