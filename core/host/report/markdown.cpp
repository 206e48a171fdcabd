#include "report/markdown.hpp"

#include <algorithm>

#include "pipeline/run_record.hpp"
#include "report/table.hpp"
#include "support/number_text.hpp"

namespace tsrec::host {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// A header of one row: `first`, then the names of the columns.
Rows header(const std::string& first, const std::vector<ReportedColumn>& columns) {
  Rows rows = {{first}};
  for (const ReportedColumn& column : columns) rows[0].push_back(column.name);
  return rows;
}

std::string ranking_table(const RunReport& report) {
  Rows rows = header("number", report.columns);
  for (const std::string& name : report.numbers) {
    auto& row = rows.emplace_back(std::vector<std::string>{name});
    for (const ReportedColumn& column : report.columns) {
      const ReportedNumber* number = column.find(name);
      row.push_back(number != nullptr ? fixed(number->value) : "");
    }
  }
  return table_text(rows);
}

// Of the numbers by item.
std::string interval_table(const RunReport& report) {
  Rows rows = header("95 % interval", report.columns);
  for (const std::string& name : report.numbers) {
    std::vector<std::string> row = {name};
    bool has_any = false;
    for (const ReportedColumn& column : report.columns) {
      const ReportedNumber* number = column.find(name);
      const bool has = number != nullptr && number->interval;
      row.push_back(has ? fixed(number->interval->low) + " .. " + fixed(number->interval->high)
                        : "");
      has_any = has_any || has;
    }
    if (has_any && name.starts_with("item.")) rows.push_back(std::move(row));
  }
  return rows.size() > 1 ? table_text(rows) : "";
}

// The hit rate of items whose cutoff is nearest to 10; null where there is none.
const TestedNumber* main_hit_rate(const std::vector<TestedNumber>& numbers) {
  std::vector<std::string> names;
  for (const TestedNumber& number : numbers) names.push_back(number.name);
  const std::optional<size_t> nearest = nearest_to_ten(names, "item.hr@");
  return nearest ? &numbers[*nearest] : nullptr;
}

// What the test could have shown with these rows, whatever it did show.
std::string power_line(const ReportedDifference& pair) {
  const TestedNumber* number = main_hit_rate(pair.numbers);
  if (number == nullptr) return "";
  return c10::str("\n", number->name, ": ", fixed(100 * number->changed, 1), " % of ", number->rows,
                  " rows changed between hit and miss; ",
                  number->detectable
                      ? "so many show a difference of " + fixed(*number->detectable) +
                            " four times in five (McNemar, 5 %)"
                      : "too few to show any difference",
                  "\n");
}

std::string movement_tables(const ReportedDifference& pair) {
  if (!pair.movement) return "";
  const Movement& moved = *pair.movement;
  Rows ranks = {{"targets by rank: " + pair.before + " down, " + pair.after + " across"}};
  ranks[0].insert(ranks[0].end(), moved.bins.begin(), moved.bins.end());
  for (size_t from = 0; from < moved.bins.size(); ++from) {
    auto& row = ranks.emplace_back(std::vector<std::string>{moved.bins[from]});
    for (const int64_t rows : moved.from_to[from]) row.push_back(std::to_string(rows));
  }
  Rows hits = {{c10::str("hits among the first ", moved.hit_rank, ", by popularity of the target"),
                "rows", pair.before, pair.after, "gained", "lost", "McNemar"}};
  for (const Movement::Group& group : moved.by_popularity) {
    hits.push_back({group.name, std::to_string(group.rows), std::to_string(group.before),
                    std::to_string(group.after), std::to_string(group.gained),
                    std::to_string(group.lost), fixed(group.mcnemar, 3)});
  }
  return "\n" + table_text(ranks) + "\n" + table_text(hits);
}

// A row for each validation, behind one for the start.
std::string training_table(const TrainingAgainstStart& training) {
  const AgainstStart& known = training.known;
  if (known.number.empty()) return "";
  const auto remark = [&](int64_t step, bool is_worse) {
    return std::string(is_worse ? "ALARM" : "") + (is_worse && step == known.kept ? ", " : "") +
           (step == known.kept ? "kept" : "");
  };
  Rows rows = {{c10::str("training of ", training.stage, ", ", known.number, " on ", known.rows,
                         " validation rows, step"),
                "value", "minus " + training.before, "95 % interval", "changed", ""}};
  rows.push_back({"0", fixed(known.start), "", "", "", remark(0, false)});
  for (const AgainstStart::Point& point : known.points) {
    rows.push_back({std::to_string(point.step), fixed(point.value), signed_fixed(point.difference),
                    signed_range(point.interval.low, point.interval.high),
                    fixed(100 * point.changed, 1) + " %", remark(point.step, point.is_worse)});
  }
  const std::string note = known.kept == 0
                               ? c10::str("\n", training.stage, " hands on the model of ",
                                          training.before, ", as it was\n")
                               : "";
  return "\n" + table_text(rows) + note;
}

// A line for each training of a comparison.
std::string training_lines(const std::vector<TrainingAgainstStart>& trainings) {
  Rows rows = {{"training against its start", "number", "start", "kept step", "minus the start",
                "95 % interval", "alarms"}};
  for (const TrainingAgainstStart& training : trainings) {
    const AgainstStart& known = training.known;
    if (known.number.empty()) continue;
    const auto kept =
        std::find_if(known.points.begin(), known.points.end(),
                     [&](const AgainstStart::Point& point) { return point.step == known.kept; });
    const auto alarms = std::count_if(known.points.begin(), known.points.end(),
                                      [](const auto& point) { return point.is_worse; });
    const bool is_start = kept == known.points.end();
    rows.push_back({training.run + ": " + training.stage, known.number, fixed(known.start),
                    std::to_string(known.kept), is_start ? "" : signed_fixed(kept->difference),
                    is_start ? "" : signed_range(kept->interval.low, kept->interval.high),
                    c10::str(alarms, " of ", known.points.size())});
  }
  return rows.size() > 1 ? "\n" + table_text(rows) : "";
}

std::string curves_table(const TrainingCurves& training) {
  Rows rows = {{training.stage + ", mean over steps"}};
  rows[0].insert(rows[0].end(), training.stretches.begin(), training.stretches.end());
  for (const TrainingCurves::Row& curve : training.rows) {
    auto& row = rows.emplace_back(std::vector<std::string>{curve.name});
    for (const std::optional<double>& value : curve.values)
      row.push_back(value ? significant(*value) : "");
  }
  return "\n" + table_text(rows);
}

std::string p_header(const ReportSettings& tests) {
  return c10::str("p (", person_of(tests.how_corrected()), ")");
}

std::string equal_header(const ReportSettings& tests) {
  return "equal within " + significant(tests.equivalence) + ", p";
}

std::string p_or_blank(const std::optional<double>& p) { return p ? fixed(*p, 3) : ""; }

// Beside a difference that was not found: the smallest that would have been.
std::string could_show(const std::optional<double>& difference, bool is_significant) {
  return difference && !is_significant ? fixed(*difference) : "";
}

constexpr const char* kCouldShow =
    "could show: the difference that would have been found four times in five\n";

std::string equivalence_text(const Equivalence& equivalence) {
  return fixed(equivalence.p, 3) + (equivalence.is_shown() ? " equal" : "");
}

std::string difference_table(const ReportedDifference& pair, const ReportSettings& tests) {
  if (pair.numbers.empty()) return "";
  Rows rows = {{pair.after + " minus " + pair.before, "difference", "95 % interval",
                p_header(tests), "McNemar", "permutation", "could show"}};
  if (tests.equivalence > 0) rows[0].push_back(equal_header(tests));
  for (const TestedNumber& number : pair.numbers) {
    const Interval& interval = number.difference.interval;
    rows.push_back({number.name, fixed(number.difference.mean),
                    fixed(interval.low) + " .. " + fixed(interval.high), fixed(number.adjusted, 3),
                    p_or_blank(number.mcnemar), p_or_blank(number.permutation),
                    could_show(number.could_show, number.is_significant())});
    if (number.equivalence) rows.back().push_back(equivalence_text(*number.equivalence));
  }
  return "\n" + table_text(rows) + "\n" + kCouldShow + power_line(pair);
}

// A table for each number: groups down, columns across.
std::string breakdown_tables(const Breakdown& breakdown) {
  std::string tables;
  for (size_t n = 0; n < breakdown.numbers.size(); ++n) {
    Rows rows = {{breakdown.numbers[n] + " by " + breakdown.by, "rows", "users"}};
    rows[0].insert(rows[0].end(), breakdown.columns.begin(), breakdown.columns.end());
    for (const Breakdown::Group& group : breakdown.groups) {
      rows.push_back({group.name, std::to_string(group.rows), std::to_string(group.users)});
      for (const auto& of_column : group.value_CN) {
        const Breakdown::Value& value = of_column[n];
        rows.back().push_back(fixed(value.mean));
        if (value.interval)
          rows.back().back() +=
              c10::str(" (", fixed(value.interval->low), " .. ", fixed(value.interval->high), ")");
      }
    }
    tables += "\n" + table_text(rows);
  }
  return tables;
}

std::string whole_or_blank(int64_t value) { return value > 0 ? std::to_string(value) : ""; }

std::vector<std::string> work_row(const ReportedStage& stage) {
  if (stage.state != StageResult::State::ran)
    return {stage.name, name_of(stage.state), "", "", "", "", "", "", ""};
  const int64_t num_rows = stage.counted("rows"), tokens = stage.counted("token_forwards");
  const bool has_share = stage.share_of_roof.has_value();
  return {stage.name,
          name_of(stage.state),
          fixed(stage.seconds, 1),
          whole_or_blank(num_rows),
          num_rows > 0 ? fixed(static_cast<double>(tokens) / static_cast<double>(num_rows), 1) : "",
          has_share ? fixed(static_cast<double>(stage.counted("flops")) / 1e9, 1) : "",
          has_share ? fixed(100 * *stage.share_of_roof, 0) + " %" : "",
          whole_or_blank(stage.counted("peak_memory") >> 20),
          whole_or_blank(stage.counted("predicted_memory") >> 20)};
}

std::string work_table(const RunReport& report) {
  Rows rows = {{"stage", "state", "seconds", "rows", "tokens/row", "GFLOP", "of the roof",
                "peak MiB", "predicted"}};
  for (const ReportedStage& stage : report.stages) rows.push_back(work_row(stage));
  const std::string note = report.roof > 0
                               ? c10::str("the roof: ", fixed(report.roof / 1e9, 0),
                                          " GFLOP/s, the most that multiply-adds or a large "
                                          "matrix product reached, ",
                                          report.precision, ", ", report.threads, " threads\n")
                               : "";
  return table_text(rows) + note;
}

// "0.1234 ± 0.0012", or the mean alone when there is one value.
std::string text_of(const Spread& spread) {
  if (spread.count == 0) return "";
  return spread.count == 1 ? fixed(spread.mean)
                           : fixed(spread.mean) + " ± " + fixed(spread.deviation);
}

std::string mean_table(const MatrixReport& report) {
  Rows rows = {{"cell:of"}};
  rows[0].insert(rows[0].end(), report.numbers.begin(), report.numbers.end());
  for (const MatrixReport::Row& row : report.rows) {
    auto& cells = rows.emplace_back(std::vector<std::string>{row.label});
    for (const Spread& spread : row.numbers) cells.push_back(text_of(spread));
  }
  return table_text(rows);
}

// What an interval over seeds is about, and how far few of them reach.
std::string seeds_line(const MatrixReport& report) {
  if (report.num_seeds == 1)
    return "one seed: intervals and p are about users the models have not met, and say nothing of "
           "models trained with another seed\n";
  const char* few = report.num_seeds == 2  ? "; two show only very large differences, and some "
                                             "that are none (8 in 100 where 5 were asked for)"
                    : report.num_seeds < 5 ? "; so few seeds show large differences alone"
                                           : "";
  return c10::str(report.num_seeds, " seeds: intervals and p are about other seeds and other users",
                  few, "\n");
}

// A test by permutation is made of one seed alone, for all differences or for none.
Rows difference_header(const std::string& first, const ReportSettings& tests,
                       const TestedDifference& any) {
  Rows rows = {{first, "number", "difference", "95 % interval", p_header(tests)}};
  if (any.permutation) rows[0].emplace_back("permutation");
  rows[0].emplace_back("could show");
  if (tests.equivalence > 0) rows[0].push_back(equal_header(tests));
  return rows;
}

std::vector<std::string> difference_row(const std::string& first, const std::string& number,
                                        const TestedDifference& d) {
  std::vector<std::string> row = {
      first, number, signed_fixed(d.difference.mean),
      signed_range(d.difference.interval.low, d.difference.interval.high), fixed(d.adjusted, 3)};
  if (d.permutation) row.push_back(fixed(*d.permutation, 3));
  row.push_back(could_show(d.could_show, d.is_significant()));
  if (d.equivalence) row.push_back(equivalence_text(*d.equivalence));
  return row;
}

std::string difference_tables(const MatrixReport& report) {
  std::string tables;
  if (!report.differences.empty()) {
    Rows rows =
        difference_header("against " + report.against, report.settings, report.differences.front());
    for (const MatrixReport::CellDifference& d : report.differences)
      rows.push_back(difference_row(d.cell, d.number, d));
    tables += "\n" + table_text(rows);
  }
  if (!report.trained.empty()) {
    Rows rows = difference_header("against the model it was trained from", report.settings,
                                  report.trained.front());
    for (const MatrixReport::TrainedDifference& d : report.trained)
      rows.push_back(
          difference_row(c10::str(d.cell, ": ", d.after, " minus ", d.before), d.number, d));
    tables += "\n" + table_text(rows);
  }
  return tables.empty() ? "" : tables + "\n" + kCouldShow + seeds_line(report);
}

// What the rule decided; the intervals of the other table know of no looks.
std::string stopping_table(const MatrixReport& report) {
  if (!report.stopping) return "";
  Rows rows = {{"stop_when: " + report.stopping->settings().number, "verdict", "difference",
                "interval of its look", "seeds"}};
  for (const Stopping::Cell& cell : report.stopping->cells()) {
    const double mean = cell.decision.mean;
    const Interval& interval = cell.decision.interval;
    rows.push_back({cell.name, name_of(cell.decision.outcome), signed_fixed(mean),
                    signed_range(interval.low, interval.high),
                    std::to_string(cell.decision.seeds)});
  }
  return "\n" + table_text(rows) + "\n" + report.stopping->protocol() + "\n";
}

// A row for each step, or for some from the first to the last where there are many; a column for
// each cell.
std::string curve_table(const MatrixReport::CellCurve& curve,
                        const std::vector<std::string>& cells) {
  constexpr size_t kMost = 20;
  const size_t steps = curve.steps.size(), shown = std::min(steps, kMost);
  const std::string some = shown < steps ? c10::str(" (", shown, " of ", steps, ")") : "";
  Rows rows = {{curve.stage + " " + curve.name + ", step" + some}};
  rows[0].insert(rows[0].end(), cells.begin(), cells.end());
  for (size_t row = 0; row < shown; ++row) {
    const size_t i = shown < steps ? row * (steps - 1) / (shown - 1) : row;
    auto& texts = rows.emplace_back(std::vector<std::string>{std::to_string(curve.steps[i])});
    for (const Spread& spread : curve.step_cells[i]) texts.push_back(text_of(spread));
  }
  return "\n" + table_text(rows);
}

// What every model got, and what it measures then. Of a grid that was cut the table says how many
// combinations there were.
std::string tuned_table(const TuneReport& report) {
  Rows rows = {{"of", "chosen", "trials", "seconds", "valid " + report.number}};
  rows[0].insert(rows[0].end(), report.reported.numbers.begin(), report.reported.numbers.end());
  for (const TuneReport::Row& row : report.rows()) {
    auto& cells = rows.emplace_back(std::vector<std::string>{row.of, "", "0", "", ""});
    if (row.model != nullptr) {
      const TuneReport::Model& model = *row.model;
      const auto tried = static_cast<int64_t>(model.trials.size());
      const TuneReport::Trial& chosen = model.trials[model.chosen];
      cells = {row.of, chosen.values,
               tried < model.combinations ? c10::str(tried, " of ", model.combinations)
                                          : std::to_string(tried),
               fixed(model.seconds(), 1), fixed(*chosen.number)};
    }
    for (const Spread& spread : row.numbers) cells.push_back(text_of(spread));
  }
  return table_text(rows);
}

std::string trial_table(const TuneReport& report, const TuneReport::Model& model) {
  Rows rows = {{"trial of " + model.name, "values", "valid " + report.number, "seconds"}};
  for (size_t i = 0; i < model.trials.size(); ++i) {
    const TuneReport::Trial& trial = model.trials[i];
    rows.push_back({c10::str(i + 1, i == model.chosen ? " (chosen)" : ""), trial.values,
                    trial.number ? fixed(*trial.number) : "failed", fixed(trial.seconds, 1)});
  }
  return "\n" + table_text(rows);
}

std::string warnings(const std::vector<std::string>& sentences) {
  std::string lines;
  for (const std::string& sentence : sentences) lines += "\n**Warning:** " + sentence + "\n";
  return lines;
}

}  // namespace

std::string tables_of(const RunReport& report) {
  std::string text = "# " + report.name + "\n\n";
  if (!report.columns.empty()) {
    text += ranking_table(report) + "\n" + interval_table(report);
    for (const ReportedDifference& pair : report.differences)
      text += difference_table(pair, report.tests) + movement_tables(pair);
  }
  for (const TrainingAgainstStart& training : report.trainings) text += training_table(training);
  const bool has_tables = !report.columns.empty() || !report.trainings.empty();
  return text + (has_tables ? "\n" : "") + work_table(report);
}

std::string stages_of(const RunReport& report) {
  return "# " + report.name + "\n\n" + work_table(report);
}

std::string tables_of(const MatrixReport& report) {
  std::string text = mean_table(report) + difference_tables(report) + stopping_table(report);
  for (const MatrixReport::CellCurve& curve : report.curves)
    text += curve_table(curve, report.cells);
  return text + training_lines(report.trainings);
}

std::string tables_of(const TuneReport& report) {
  return tuned_table(report) + "\n" + protocol_of(report) + "\n" +
         training_lines(report.reported.trainings);
}

std::string markdown_of(const TuneReport& report) {
  std::string trials;
  for (const TuneReport::Model& model : report.models) trials += trial_table(report, model);
  return tables_of(report) + trials + warnings(warnings_of(report));
}

std::string markdown_of(const RunReport& report) {
  std::string breakdowns, curves;
  for (const Breakdown& breakdown : report.breakdowns) breakdowns += breakdown_tables(breakdown);
  for (const TrainingCurves& training : training_curves(report.curves))
    curves += curves_table(training);
  return tables_of(report) + breakdowns + curves +
         (report.audit ? "\n" + audit_table(*report.audit) : "") +
         warnings(warnings_of(report.alarms, report.trainings));
}

std::string markdown_of(const MatrixReport& report) {
  return tables_of(report) + warnings(warnings_of(report));
}

}  // namespace tsrec::host
