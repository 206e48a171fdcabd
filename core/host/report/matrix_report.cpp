#include "report/matrix_report.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "report/columns.hpp"
#include "report/curves.hpp"

namespace tsrec::host {
namespace {

constexpr uint64_t kBootstrapSeed = 17;

struct Measured {
  std::string cell;
  int64_t seed = 0;
  std::vector<Column> columns;
};

std::vector<std::string> cells_of(const std::vector<CellRun>& runs) {
  std::vector<std::string> cells;
  for (const CellRun& run : runs) {
    if (std::find(cells.begin(), cells.end(), run.cell) == cells.end()) cells.push_back(run.cell);
  }
  return cells;
}

// What the table shows: the asked numbers, or HR and NDCG by item.
std::vector<std::string> shown_numbers(const CompareSettings& settings,
                                       const std::vector<Measured>& measured) {
  if (!settings.numbers.empty()) return settings.numbers;
  std::vector<std::string> names;
  for (const std::string& name : number_names(measured.front().columns)) {
    if (name.starts_with("item.hr@") || name.starts_with("item.ndcg@")) names.push_back(name);
  }
  return names;
}

Better direction_of(const std::vector<Measured>& measured, const std::string& name) {
  for (const Measured& one : measured) {
    for (const Column& column : one.columns) {
      const Number* number = number_of(column, name);
      if (number != nullptr && number->better != Better::unknown) return number->better;
    }
  }
  return Better::unknown;
}

// The columns of a cell's first seed; all its seeds have the same.
const std::vector<Column>& columns_of_cell(const std::vector<Measured>& measured,
                                           const std::string& cell) {
  return std::find_if(measured.begin(), measured.end(),
                      [&](const Measured& one) { return one.cell == cell; })
      ->columns;
}

MatrixReport::Row row_of(const std::vector<Measured>& measured, const std::string& label,
                         const std::string& cell, const std::string& of,
                         const std::vector<std::string>& numbers) {
  MatrixReport::Row row{label, {}, ""};
  for (const std::string& name : numbers) {
    std::vector<double> values;
    for (const Measured& one : measured) {
      const Column* column = one.cell == cell ? column_of(one.columns, of) : nullptr;
      const Number* number = column != nullptr ? number_of(*column, name) : nullptr;
      if (number != nullptr) values.push_back(number->value);
    }
    row.numbers.push_back(spread_of(values));
  }
  return row;
}

std::vector<std::string> recommenders_of(const std::vector<Measured>& measured) {
  std::vector<std::string> names;
  for (const Measured& one : measured) {
    for (const Column& column : one.columns) {
      if (!column.is_model && std::find(names.begin(), names.end(), column.name) == names.end())
        names.push_back(column.name);
    }
  }
  return names;
}

std::vector<std::string> cells_with(const std::vector<Measured>& measured,
                                    const std::vector<std::string>& cells,
                                    const std::string& name) {
  std::vector<std::string> with;
  for (const std::string& cell : cells) {
    if (column_of(columns_of_cell(measured, cell), name) != nullptr) with.push_back(cell);
  }
  return with;
}

// Whether a recommender is the same one in all cells that have it: equal numbers, seed by seed.
bool is_one(const std::vector<Measured>& measured, const std::string& name,
            const std::vector<std::string>& numbers) {
  std::map<int64_t, std::vector<double>> of_seed;
  for (const Measured& one : measured) {
    const Column* column = column_of(one.columns, name);
    if (column == nullptr) continue;
    std::vector<double> values;
    for (const std::string& number_name : numbers) {
      const Number* number = number_of(*column, number_name);
      if (number != nullptr) values.push_back(number->value);
    }
    if (of_seed.try_emplace(one.seed, values).first->second != values) return false;
  }
  return true;
}

// Whether it is a recommender that the cell is compared by.
bool stands_for_cell(const std::vector<Column>& columns, const std::string& name) {
  const Column* last = last_model(columns);
  return !last->is_model && last->name == name;
}

// Recommenders, those that are the same in all cells once; then every model of every cell.
std::vector<MatrixReport::Row> rows_of(const std::vector<Measured>& measured,
                                       const std::vector<std::string>& cells,
                                       const std::vector<std::string>& numbers) {
  std::vector<MatrixReport::Row> rows;
  for (const std::string& name : recommenders_of(measured)) {
    const std::vector<std::string> with = cells_with(measured, cells, name);
    if (is_one(measured, name, numbers)) {
      rows.push_back(row_of(measured, name, with.front(), name, numbers));
      if (with.size() == 1 && stands_for_cell(columns_of_cell(measured, with.front()), name))
        rows.back().cell = with.front();
    } else {
      for (const std::string& cell : with) {
        rows.push_back(row_of(measured, cell + ":" + name, cell, name, numbers));
        if (stands_for_cell(columns_of_cell(measured, cell), name)) rows.back().cell = cell;
      }
    }
  }
  for (const std::string& cell : cells) {
    for (const Column& column : columns_of_cell(measured, cell)) {
      if (!column.is_model) continue;
      rows.push_back(row_of(measured, cell + ":" + column.name, cell, column.name, numbers));
      rows.back().cell = cell;
    }
  }
  return rows;
}

// Rows of a model of a cell, all seeds behind each other.
struct Joined {
  std::vector<torch::Tensor> values, people;
  std::vector<torch::Tensor> users;  // the same people, but others in every seed
  Better better = Better::unknown;
  torch::Tensor value_S() const { return torch::cat(values); }
  torch::Tensor user_S() const { return torch::cat(users); }
};
Joined joined(const std::vector<Measured>& measured, const std::string& cell,
              const std::string& model, const std::string& name) {
  Joined rows;
  for (const Measured& one : measured) {
    const Column* column = one.cell == cell ? column_of(one.columns, model) : nullptr;
    const Number* number = column != nullptr ? number_of(*column, name) : nullptr;
    if (number == nullptr || !number->row_S.defined()) continue;
    const torch::Tensor& user_S = column->stored.user_S;
    const int64_t most = user_S.numel() > 0 ? user_S.max().item<int64_t>() + 1 : 0;
    rows.people.push_back(user_S);
    rows.users.push_back(user_S + static_cast<int64_t>(rows.users.size()) * most);
    rows.values.push_back(number->row_S);
    rows.better = number->better;
  }
  return rows;
}

// The same rows in every seed.
bool is_paired(const Joined& a, const Joined& b) {
  return !a.values.empty() &&
         std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(),
                    [](const auto& x_S, const auto& y_S) { return x_S.numel() == y_S.numel(); });
}

template <class D>
void judge_all(std::vector<D>& differences, const ReportSettings& settings) {
  std::vector<TestedDifference*> family;
  for (D& difference : differences) family.push_back(&difference);
  judge(family, settings);
}

// b minus a. What is claimed over seeds has to hold for the next one too.
Difference difference_of(const Joined& a, const Joined& b, int64_t resamples) {
  if (a.values.size() == 1)
    return paired_bootstrap(a.value_S(), b.value_S(), b.user_S(), resamples, kBootstrapSeed);
  std::vector<SeedRows> seeds;
  for (size_t s = 0; s < a.values.size(); ++s)
    seeds.push_back(
        {b.values[s].to(torch::kFloat64) - a.values[s].to(torch::kFloat64), a.people[s]});
  return difference_over_seeds(seeds);
}

// Flipping signs says nothing of other seeds: what users have in common stays, seed by seed.
void add_permutation(TestedDifference& found, const Joined& a, const Joined& b, int64_t resamples) {
  if (a.values.size() == 1 && resamples > 0)
    found.permutation =
        permutation_test(a.value_S(), b.value_S(), b.user_S(), resamples, kBootstrapSeed);
}

Joined joined_last(const std::vector<Measured>& measured, const std::string& cell,
                   const std::string& number) {
  const Column* last = last_model(columns_of_cell(measured, cell));
  return last == nullptr ? Joined() : joined(measured, cell, last->name, number);
}

std::vector<MatrixReport::CellDifference> differences_of(const std::string& against,
                                                         const std::vector<Measured>& measured,
                                                         const MatrixReport& report,
                                                         int64_t resamples) {
  std::vector<MatrixReport::CellDifference> differences;
  for (const std::string& cell : report.cells) {
    if (against.empty() || cell == against) continue;
    for (const std::string& name : report.numbers) {
      const Joined ours = joined_last(measured, cell, name),
                   theirs = joined_last(measured, against, name);
      if (!is_paired(ours, theirs)) continue;
      MatrixReport::CellDifference& found = differences.emplace_back();
      found.cell = cell;
      found.number = name;
      found.difference = difference_of(theirs, ours, resamples);
      found.rows = ours.value_S().numel();
      add_permutation(found, theirs, ours, resamples);
    }
  }
  judge_all(differences, report.settings);
  return differences;
}

bool has_equal_values(const Joined& a, const Joined& b) {
  return std::equal(a.values.begin(), a.values.end(), b.values.begin(), b.values.end(),
                    [](const auto& x_S, const auto& y_S) { return torch::equal(x_S, y_S); });
}

std::vector<MatrixReport::SameModel> same_models(const std::string& against,
                                                 const std::vector<Measured>& measured,
                                                 const MatrixReport& report) {
  const auto last_of = [&](const std::string& cell) {
    const Column* last = last_model(columns_of_cell(measured, cell));
    return last == nullptr ? std::string() : last->name;
  };
  std::vector<MatrixReport::SameModel> same;
  for (const std::string& cell : report.cells) {
    if (against.empty() || cell == against || last_of(cell) != last_of(against)) continue;
    const bool is_same =
        !report.numbers.empty() &&
        std::all_of(report.numbers.begin(), report.numbers.end(), [&](const std::string& number) {
          const Joined ours = joined_last(measured, cell, number);
          const Joined theirs = joined_last(measured, against, number);
          return is_paired(ours, theirs) && has_equal_values(ours, theirs);
        });
    if (is_same) same.push_back({cell, last_of(cell)});
  }
  return same;
}

std::vector<MatrixReport::TrainedDifference> trained_differences_of(
    const std::string& against, const std::vector<Measured>& measured, const MatrixReport& report,
    int64_t resamples) {
  std::vector<MatrixReport::TrainedDifference> differences;
  for (const std::string& cell : report.cells) {
    const std::vector<Column>& columns = columns_of_cell(measured, cell);
    for (const Column& column : columns) {
      for (const std::string& name : report.numbers) {
        if (column.from.empty()) continue;
        const Joined before = joined(measured, cell, column.from, name),
                     after = joined(measured, cell, column.name, name);
        const bool is_told = !against.empty() && cell != against &&
                             &column == last_model(columns) &&
                             has_equal_values(before, joined_last(measured, against, name));
        if (!is_paired(before, after) || is_told) continue;
        MatrixReport::TrainedDifference& found = differences.emplace_back();
        found.cell = cell;
        found.after = column.name;
        found.before = column.from;
        found.number = name;
        found.difference = difference_of(before, after, resamples);
        found.rows = after.value_S().numel();
        add_permutation(found, before, after, resamples);
      }
    }
  }
  judge_all(differences, report.settings);
  return differences;
}

// Every model of the cell against the one that it was trained from.
std::vector<Alarm> alarms_of(const std::string& cell, const std::vector<Measured>& measured,
                             const std::vector<std::string>& numbers, int64_t resamples) {
  std::vector<Alarm> alarms;
  for (const Column& column : columns_of_cell(measured, cell)) {
    if (column.from.empty()) continue;
    std::vector<PairedRows> pair;
    for (const std::string& name : numbers) {
      const Joined before = joined(measured, cell, column.from, name),
                   after = joined(measured, cell, column.name, name);
      if (is_paired(after, before))
        pair.push_back({name, after.better, before.value_S(), after.value_S(), after.user_S()});
    }
    for (Alarm& alarm : losses(column.from, column.name, tested(pair, resamples, kBootstrapSeed))) {
      alarm.cell = cell;
      alarms.push_back(std::move(alarm));
    }
  }
  return alarms;
}

// Stage by stage, in the order of the steps.
std::vector<MatrixReport::Point> points_of(const CompareSettings& settings,
                                           const std::vector<CellRun>& runs) {
  std::vector<MatrixReport::Point> points;
  if (settings.curves.empty()) return points;
  for (const CellRun& run : runs) {
    std::map<std::string, std::vector<MatrixReport::Point>> of_stage;
    std::vector<std::string> stages;
    for (const Curve& curve : curves_of(run.results)) {
      const bool is_asked = std::find(settings.curves.begin(), settings.curves.end(), curve.name) !=
                            settings.curves.end();
      if (!is_asked || curve.stage.role != StageId::Role::train) continue;
      const std::string stage = curve.stage.text();
      if (!of_stage.contains(stage)) stages.push_back(stage);
      for (size_t i = 0; i < curve.steps.size(); ++i)
        of_stage[stage].push_back(
            {run.cell, run.seed, stage, curve.name, curve.steps[i], curve.values[i]});
    }
    for (const std::string& name : stages) {
      auto& own = of_stage[name];
      std::stable_sort(own.begin(), own.end(),
                       [](const auto& a, const auto& b) { return a.step < b.step; });
      points.insert(points.end(), own.begin(), own.end());
    }
  }
  return points;
}

std::vector<MatrixReport::CellCurve> curves_over_seeds(
    const std::vector<MatrixReport::Point>& points, const std::vector<std::string>& cells) {
  std::vector<MatrixReport::CellCurve> curves;
  for (const MatrixReport::Point& point : points) {
    const bool is_known = std::any_of(curves.begin(), curves.end(), [&](const auto& curve) {
      return curve.stage == point.stage && curve.name == point.number;
    });
    if (!is_known) curves.push_back({point.stage, point.number, {}, {}});
  }
  for (MatrixReport::CellCurve& curve : curves) {
    std::map<int64_t, std::map<std::string, std::vector<double>>> values;  // step, cell
    for (const MatrixReport::Point& point : points) {
      if (point.stage == curve.stage && point.number == curve.name)
        values[point.step][point.cell].push_back(point.value);
    }
    for (auto& [step, of_cell] : values) {
      curve.steps.push_back(step);
      auto& row = curve.step_cells.emplace_back();
      for (const std::string& cell : cells) row.push_back(spread_of(of_cell[cell]));
    }
  }
  return curves;
}

}  // namespace

Spread spread_of(const std::vector<double>& values) {
  Spread spread;
  spread.count = static_cast<int64_t>(values.size());
  double square = 0;
  for (const double value : values) spread.mean += value / static_cast<double>(values.size());
  for (const double value : values) square += (value - spread.mean) * (value - spread.mean);
  if (spread.count > 1)
    spread.deviation = std::sqrt(square / static_cast<double>(values.size() - 1));
  return spread;
}

std::vector<std::string> same_model_sentences(const MatrixReport& report) {
  std::vector<std::string> sentences;
  for (const MatrixReport::SameModel& same : report.same)
    sentences.push_back(c10::str(
        "the cells '", same.cell, "' and '", report.against, "' are both compared by '", same.model,
        "', and its numbers are the same in every row: nothing of what the axis changes reaches "
        "it. A cell is compared by its last trained model, or without one by its last "
        "recommender"));
  return sentences;
}

std::vector<std::string> warnings_of(const MatrixReport& report) {
  std::vector<std::string> sentences = warnings_of(report.alarms, report.trainings);
  for (std::string& sentence : same_model_sentences(report))
    sentences.push_back(std::move(sentence));
  return sentences;
}

MatrixReport matrix_report(const CompareSettings& settings, const std::vector<CellRun>& runs,
                           int64_t resamples, const ReportSettings& tests) {
  std::vector<Measured> measured;
  for (const CellRun& run : runs)
    measured.push_back({run.cell, run.seed, columns_of(run.results, run.lineage)});
  MatrixReport report;
  report.cells = cells_of(runs);
  report.numbers = shown_numbers(settings, measured);
  for (const std::string& name : report.numbers)
    report.better.push_back(direction_of(measured, name));
  report.rows = rows_of(measured, report.cells, report.numbers);
  report.against = settings.against;
  report.num_seeds = static_cast<int64_t>(runs.size() / report.cells.size());
  report.settings = tests;
  report.differences = differences_of(settings.against, measured, report, resamples);
  report.same = same_models(settings.against, measured, report);
  report.trained = trained_differences_of(settings.against, measured, report, resamples);
  std::vector<std::vector<Alarm>> alarms(report.cells.size());
  at::parallel_for(0, std::ssize(alarms), /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
      alarms[i] = alarms_of(report.cells[i], measured, report.numbers, resamples);
  });
  for (std::vector<Alarm>& of_cell : alarms)
    std::move(of_cell.begin(), of_cell.end(), std::back_inserter(report.alarms));
  for (const CellRun& run : runs) {
    for (TrainingAgainstStart& training : trainings_of(run.results, run.lineage)) {
      training.run = c10::str(run.cell, ", seed ", run.seed);
      report.trainings.push_back(std::move(training));
    }
  }
  report.points = points_of(settings, runs);
  report.curves = curves_over_seeds(report.points, report.cells);
  for (const Measured& one : measured) {
    for (const Column& column : one.columns) {
      for (const Number& number : column.stored.numbers)
        report.values.push_back({one.cell, one.seed, column.name, number.name, number.value});
    }
  }
  return report;
}

}  // namespace tsrec::host
