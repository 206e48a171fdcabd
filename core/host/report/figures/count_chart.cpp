#include <algorithm>
#include <cmath>

#include "report/figures/charts.hpp"
#include "report/figures/style.hpp"
#include "report/figures/svg.hpp"
#include "support/number_text.hpp"

namespace tsrec::host::figures {
namespace {

constexpr double kCountWidth = 46, kCountHeight = 22, kCountHead = 62;

}  // namespace

// Shades go by the root of the count: most rows stay where they are, and the few that move are the
// question.
std::string count_chart_svg(const CountChart& chart) {
  double widest = 0;
  for (const std::string& name : chart.rows) widest = std::max(widest, style::width_of(name));
  int64_t most = 1;
  for (const auto& row : chart.count) {
    for (const int64_t count : row) most = std::max(most, count);
  }
  const double left = widest + 34;
  const auto num_rows = static_cast<double>(chart.rows.size()),
             num_columns = static_cast<double>(chart.columns.size());
  Svg svg(std::max(left + kCountWidth * num_columns + 12, 24 + 1.1 * style::width_of(chart.title)),
          kCountHead + kCountHeight * num_rows + 12, chart.title);
  svg.words({12, 1.4 * style::kFontSize}, chart.title,
            {{"class", "title"}, {"font-weight", "bold"}});
  svg.words({left + kCountWidth * num_columns / 2, 32}, chart.x_label, {{"text-anchor", "middle"}});
  const double middle = kCountHead + kCountHeight * num_rows / 2;
  svg.words(
      {14, middle}, chart.y_label,
      {{"text-anchor", "middle"}, {"transform", "rotate(-90 14 " + coordinate(middle) + ")"}});
  for (size_t c = 0; c < chart.columns.size(); ++c)
    svg.words({left + kCountWidth * (static_cast<double>(c) + 0.5), kCountHead - 6},
              chart.columns[c], {{"text-anchor", "middle"}});
  for (size_t r = 0; r < chart.rows.size(); ++r) {
    const double y = kCountHead + kCountHeight * static_cast<double>(r);
    svg.words({left - 6, y + kCountHeight / 2 + 0.35 * style::kFontSize}, chart.rows[r],
              {{"text-anchor", "end"}});
    for (size_t c = 0; c < chart.columns.size(); ++c) {
      const double x = left + kCountWidth * static_cast<double>(c);
      const double shade =
          std::sqrt(static_cast<double>(chart.count[r][c]) / static_cast<double>(most));
      svg.rectangle({x, y}, kCountWidth, kCountHeight,
                    {{"class", "cell"},
                     {"fill", style::colour(0)},
                     {"fill-opacity", fixed(0.85 * shade, 3)},
                     {"stroke", style::kGrid},
                     {"stroke-width", style::kThin}});
      svg.words({x + kCountWidth / 2, y + kCountHeight / 2 + 0.35 * style::kFontSize},
                std::to_string(chart.count[r][c]),
                {{"class", "count"},
                 {"text-anchor", "middle"},
                 {"fill", shade > 0.65 ? style::kPaper : style::kInk}});
    }
  }
  return svg.finished();
}

}  // namespace tsrec::host::figures
