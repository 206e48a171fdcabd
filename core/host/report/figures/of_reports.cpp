// Which charts a report has, and what they show.
#include <algorithm>
#include <charconv>

#include "report/figures/charts.hpp"
#include "report/figures/figures.hpp"
#include "report/results_table.hpp"

namespace tsrec::host::figures {
namespace {

constexpr double kSignificant = 0.05;

// "curve-valid-item-hr-10": letters, digits and single dashes, which every shell and LaTeX take.
std::string file_name(const std::string& text) {
  std::string name;
  for (const char c : text) {
    const bool is_kept = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (is_kept)
      name += c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
  }
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name;
}

bool is_shown(const std::string& number) { return number.starts_with("item."); }

// --- numbers

std::vector<Figure> comparisons(const RunReport& report) {
  std::vector<Figure> figures;
  for (const std::string& number : report.numbers) {
    if (!is_shown(number)) continue;
    BarChart chart{paper_name(number) + ", with 95 % intervals", paper_name(number), {}};
    for (const ReportedColumn& column : report.columns) {
      const ReportedNumber* found = column.find(number);
      if (found != nullptr) chart.bars.push_back({column.name, found->value, found->interval});
    }
    figures.push_back({file_name("comparison-" + number), bar_chart_svg(chart)});
  }
  return figures;
}

// "item.hr@10" is the number item.hr of 10 places; none: it has no places.
std::optional<std::pair<std::string, int64_t>> family_of(const std::string& number) {
  const size_t at = number.rfind('@');
  if (at == std::string::npos) return std::nullopt;
  int64_t places = 0;
  const char* end = number.data() + number.size();
  const auto [stop, problem] = std::from_chars(number.data() + at + 1, end, places);
  if (problem != std::errc() || stop != end) return std::nullopt;
  return std::pair(number.substr(0, at), places);
}

// Over the length of the list, where a number was measured at several.
std::vector<Figure> list_lengths(const RunReport& report) {
  std::vector<std::pair<std::string, std::vector<int64_t>>> families;
  for (const std::string& number : report.numbers) {
    const auto family = family_of(number);
    if (!family || !is_shown(number)) continue;
    const auto found = std::find_if(families.begin(), families.end(), [&](const auto& known) {
      return known.first == family->first;
    });
    if (found == families.end())
      families.push_back({family->first, {family->second}});
    else
      found->second.push_back(family->second);
  }
  std::vector<Figure> figures;
  for (auto& [name, lengths] : families) {
    if (lengths.size() < 2) continue;
    std::sort(lengths.begin(), lengths.end());
    const std::string label = paper_name(name + "@K");
    LineChart chart{label + " over the length of the list, with 95 % intervals", "K", label, {}};
    for (const ReportedColumn& column : report.columns) {
      LineChart::Line line{column.name, {}, {}, {}};
      for (const int64_t length : lengths) {
        const ReportedNumber* found = column.find(c10::str(name, "@", length));
        if (found == nullptr) continue;
        line.x.push_back(static_cast<double>(length));
        line.y.push_back(found->value);
        line.band.push_back(found->interval.value_or(Interval{found->value, found->value}));
      }
      chart.lines.push_back(std::move(line));
    }
    figures.push_back({file_name("list-length-" + name), line_chart_svg(chart)});
  }
  return figures;
}

std::vector<Figure> differences(const RunReport& report) {
  std::vector<Figure> figures;
  for (const ReportedDifference& pair : report.differences) {
    if (pair.numbers.empty()) continue;
    const std::string name = pair.after + " minus " + pair.before;
    DifferenceChart chart{
        name + "; full: p at most .05, corrected", "difference, 95 % interval", {}};
    for (const TestedNumber& number : pair.numbers)
      chart.differences.push_back({paper_name(number.name), number.difference.mean,
                                   number.difference.interval, number.adjusted <= kSignificant});
    figures.push_back({file_name("difference-" + name), difference_chart_svg(chart)});
  }
  return figures;
}

std::vector<Figure> movements(const RunReport& report) {
  std::vector<Figure> figures;
  for (const ReportedDifference& pair : report.differences) {
    if (!pair.movement) continue;
    const CountChart chart{"Targets by rank",   pair.after,          pair.before,
                           pair.movement->bins, pair.movement->bins, pair.movement->from_to};
    figures.push_back(
        {file_name("movement-" + pair.before + "-to-" + pair.after), count_chart_svg(chart)});
  }
  return figures;
}

// A bar for each group of rows and each column.
std::vector<Figure> breakdowns(const RunReport& report) {
  std::vector<Figure> figures;
  for (const Breakdown& breakdown : report.breakdowns) {
    for (size_t n = 0; n < breakdown.numbers.size(); ++n) {
      const std::string& number = breakdown.numbers[n];
      BarChart chart{c10::str(paper_name(number), " by ", breakdown.by, ", with 95 % intervals"),
                     paper_name(number),
                     {}};
      for (const Breakdown::Group& group : breakdown.groups) {
        for (size_t c = 0; c < breakdown.columns.size(); ++c) {
          const Breakdown::Value& value = group.value_CN[c][n];
          chart.bars.push_back(
              {group.name + ": " + breakdown.columns[c], value.mean, value.interval});
        }
      }
      figures.push_back(
          {file_name("breakdown-" + breakdown.by + "-" + number), bar_chart_svg(chart)});
    }
  }
  return figures;
}

// --- curves

// A figure for each number, with a line for each stage that said it. What a training is compared
// with its start by has a figure of its own.
std::vector<Figure> curves(const RunReport& report) {
  std::vector<std::string> names;
  for (const Curve& curve : report.curves) {
    const bool is_against_start = curve.name.find(".minus_start") != std::string::npos;
    if (!is_against_start && std::find(names.begin(), names.end(), curve.name) == names.end())
      names.push_back(curve.name);
  }
  std::vector<Figure> figures;
  for (const std::string& name : names) {
    LineChart chart{name, "step", name, {}};
    for (const Curve& curve : report.curves) {
      if (curve.name != name || curve.steps.size() < 2) continue;
      chart.lines.push_back(
          {curve.stage.text(), {curve.steps.begin(), curve.steps.end()}, curve.values, {}});
    }
    if (!chart.lines.empty())
      figures.push_back({file_name("curve-" + name), line_chart_svg(chart)});
  }
  return figures;
}

std::vector<Figure> against_start(const RunReport& report) {
  std::vector<Figure> figures;
  for (const TrainingAgainstStart& training : report.trainings) {
    if (training.known.points.empty()) continue;
    LineChart::Line line{training.stage, {0}, {0}, {{0, 0}}};
    for (const AgainstStart::Point& point : training.known.points) {
      line.x.push_back(static_cast<double>(point.step));
      line.y.push_back(point.difference);
      line.band.push_back(point.interval);
    }
    const LineChart chart{
        training.stage + " minus " + training.before + " on validation rows, with 95 % intervals",
        "step",
        paper_name(training.known.number),
        {line}};
    figures.push_back({file_name("against-start-" + training.stage), line_chart_svg(chart)});
  }
  return figures;
}

void append(std::vector<Figure>& all, std::vector<Figure> more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

}  // namespace

std::vector<Figure> figures_of(const RunReport& report) {
  std::vector<Figure> all = comparisons(report);
  append(all, list_lengths(report));
  append(all, differences(report));
  append(all, movements(report));
  append(all, breakdowns(report));
  append(all, curves(report));
  append(all, against_start(report));
  return all;
}

std::vector<Figure> figures_of(const MatrixReport& report) {
  std::vector<Figure> all;
  for (size_t n = 0; n < report.numbers.size(); ++n) {
    const std::string name = paper_name(report.numbers[n]);
    BarChart chart{name + ", mean and standard deviation over seeds", name, {}};
    for (const MatrixReport::Row& row : report.rows) {
      const Spread& spread = row.numbers[n];
      if (spread.count == 0) continue;
      BarChart::Bar& bar = chart.bars.emplace_back(BarChart::Bar{row.label, spread.mean, {}});
      if (spread.count > 1)
        bar.interval = {spread.mean - spread.deviation, spread.mean + spread.deviation};
    }
    all.push_back({file_name("comparison-" + report.numbers[n]), bar_chart_svg(chart)});

    DifferenceChart against{
        name + " minus that of " + report.against + "; full: p at most .05, corrected",
        "difference, 95 % interval",
        {}};
    for (const MatrixReport::CellDifference& d : report.differences) {
      if (d.number == report.numbers[n])
        against.differences.push_back(
            {d.cell, d.difference.mean, d.difference.interval, d.adjusted <= kSignificant});
    }
    if (!against.differences.empty())
      all.push_back({file_name("difference-" + report.numbers[n]), difference_chart_svg(against)});

    DifferenceChart trained{
        name + " minus that of the model it was trained from; full: p at most .05, corrected",
        "difference, 95 % interval",
        {}};
    for (const MatrixReport::TrainedDifference& d : report.trained) {
      if (d.number == report.numbers[n])
        trained.differences.push_back({c10::str(d.cell, ": ", d.after, " minus ", d.before),
                                       d.difference.mean, d.difference.interval,
                                       d.adjusted <= kSignificant});
    }
    if (!trained.differences.empty())
      all.push_back({file_name("trained-" + report.numbers[n]), difference_chart_svg(trained)});
  }
  for (const MatrixReport::CellCurve& curve : report.curves) {
    LineChart chart{curve.stage + ": " + curve.name + ", mean and standard deviation over seeds",
                    "step",
                    curve.name,
                    {}};
    for (size_t c = 0; c < report.cells.size(); ++c) {
      LineChart::Line line{report.cells[c], {}, {}, {}};
      for (size_t i = 0; i < curve.steps.size(); ++i) {
        const Spread& spread = curve.step_cells[i][c];
        if (spread.count == 0) continue;
        line.x.push_back(static_cast<double>(curve.steps[i]));
        line.y.push_back(spread.mean);
        line.band.push_back({spread.mean - spread.deviation, spread.mean + spread.deviation});
      }
      chart.lines.push_back(std::move(line));
    }
    all.push_back({file_name("curve-" + curve.stage + "-" + curve.name), line_chart_svg(chart)});
  }
  return all;
}

Figure figure_of(const RowMap& map) {
  PointChart chart{"Rows of SID tokens among those of words", "words", {}, {}};
  for (const RowMap::Point& point : map.points) {
    if (chart.panels.empty() || chart.panels.back().title != point.model)
      chart.panels.push_back({point.model, {}});
    chart.panels.back().points.push_back({point.x, point.y, point.level, point.token});
    while (point.level >= static_cast<int64_t>(chart.groups.size()))
      chart.groups.push_back("level " + level_letter(static_cast<int64_t>(chart.groups.size())));
  }
  return {"rows", point_chart_svg(chart)};
}

}  // namespace tsrec::host::figures
