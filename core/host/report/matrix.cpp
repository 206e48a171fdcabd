#include "report/matrix.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "report/columns.hpp"
#include "report/statistics.hpp"
#include "report/table.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

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

// "0.1234 ± 0.0012", or the mean alone when there is one value.
std::string mean_text(const std::vector<double>& values) {
  if (values.empty()) return "";
  double mean = 0, square = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  if (values.size() == 1) return fixed(mean);
  for (const double value : values) square += (value - mean) * (value - mean);
  return fixed(mean) + " ± " + fixed(std::sqrt(square / static_cast<double>(values.size() - 1)));
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

std::string mean_table(const std::vector<Measured>& measured, const std::vector<std::string>& cells,
                       const std::vector<std::string>& numbers) {
  std::vector<std::vector<std::string>> rows = {{"cell:of"}};
  rows[0].insert(rows[0].end(), numbers.begin(), numbers.end());
  const auto add = [&](const std::string& label, const std::string& cell, const std::string& of) {
    std::vector<std::string> row = {label};
    for (const std::string& name : numbers) {
      std::vector<double> values;
      for (const Measured& one : measured) {
        if (one.cell != cell) continue;
        for (const Column& column : one.columns) {
          const Number* number = column.name == of ? number_of(column, name) : nullptr;
          if (number != nullptr) values.push_back(number->value);
        }
      }
      row.push_back(mean_text(values));
    }
    rows.push_back(std::move(row));
  };
  for (const Column& column : measured.front().columns) {
    if (!column.is_model) add(column.name, measured.front().cell, column.name);
  }
  for (const std::string& cell : cells) {
    for (const Measured& one : measured) {
      if (one.cell != cell) continue;
      for (const Column& column : one.columns) {
        if (column.is_model) add(cell + ":" + column.name, cell, column.name);
      }
      break;
    }
  }
  return table_text(rows);
}

const Column* last_model(const std::vector<Column>& columns) {
  const Column* last = nullptr;
  for (const Column& column : columns) {
    if (column.is_model) last = &column;
  }
  return last;
}

// Rows of the last model of a cell, all seeds behind each other.
struct Joined {
  std::vector<torch::Tensor> values, users;
  torch::Tensor value_S() const { return torch::cat(values); }
  torch::Tensor user_S() const { return torch::cat(users); }
};
Joined joined(const std::vector<Measured>& measured, const std::string& cell,
              const std::string& name) {
  Joined rows;
  for (const Measured& one : measured) {
    if (one.cell != cell) continue;
    const Column* column = last_model(one.columns);
    const Number* number = column != nullptr ? number_of(*column, name) : nullptr;
    if (number == nullptr || !number->row_S.defined()) continue;
    const torch::Tensor& user_S = column->stored.user_S;
    const int64_t most = user_S.numel() > 0 ? user_S.max().item<int64_t>() + 1 : 0;
    // A user is another cluster in every seed.
    rows.users.push_back(user_S + static_cast<int64_t>(rows.users.size()) * most);
    rows.values.push_back(number->row_S);
  }
  return rows;
}

std::string difference_table(const CompareSettings& settings, const std::vector<Measured>& measured,
                             const std::vector<std::string>& cells,
                             const std::vector<std::string>& numbers, int64_t resamples) {
  if (settings.against.empty()) return "";
  std::vector<std::vector<std::string>> rows = {
      {"against " + settings.against, "number", "difference", "95 % interval", "p (Holm)"}};
  std::vector<double> p;
  for (const std::string& cell : cells) {
    if (cell == settings.against) continue;
    for (const std::string& name : numbers) {
      const Joined ours = joined(measured, cell, name);
      const Joined theirs = joined(measured, settings.against, name);
      const bool is_paired = !ours.values.empty() && ours.values.size() == theirs.values.size() &&
                             ours.value_S().numel() == theirs.value_S().numel();
      if (!is_paired) continue;
      const Difference difference = paired_bootstrap(theirs.value_S(), ours.value_S(),
                                                     ours.user_S(), resamples, kBootstrapSeed);
      p.push_back(difference.p);
      rows.push_back(
          {cell, name, signed_fixed(difference.mean),
           signed_fixed(difference.interval.low) + " .. " + signed_fixed(difference.interval.high),
           ""});
    }
  }
  const std::vector<double> adjusted = holm(p);
  for (size_t i = 0; i < adjusted.size(); ++i) rows[i + 1][4] = fixed(adjusted[i], 3);
  return rows.size() > 1 ? "\n" + table_text(rows) : "";
}

struct Point {
  std::string cell, stage, name;
  int64_t seed = 0, step = 0;
  double value = 0;
};

std::vector<Point> points_of(const CompareSettings& settings, const std::vector<CellRun>& runs) {
  std::vector<Point> points;
  for (const CellRun& run : runs) {
    for (const StageResult& result : run.results) {
      const fs::path file = result.folder / "curves.jsonl";
      if (result.id.role != StageId::Role::train || result.digest.empty() || !fs::exists(file))
        continue;
      std::istringstream lines(io::read_text(file));
      for (std::string line; std::getline(lines, line);) {
        const auto json = nlohmann::json::parse(line);
        const auto name = json.at("name").get<std::string>();
        if (std::find(settings.curves.begin(), settings.curves.end(), name) ==
            settings.curves.end())
          continue;
        points.push_back({run.cell, result.id.text(), name, run.seed,
                          json.at("step").get<int64_t>(), json.at("value").get<double>()});
      }
    }
  }
  return points;
}

// One table for each curve: a row for each step, a column for each cell.
std::string curve_tables(const std::vector<Point>& points, const std::vector<std::string>& cells) {
  std::vector<std::pair<std::string, std::string>> curves;  // stage, name
  for (const Point& point : points) {
    const std::pair curve{point.stage, point.name};
    if (std::find(curves.begin(), curves.end(), curve) == curves.end()) curves.push_back(curve);
  }
  std::string text;
  for (const auto& [stage, name] : curves) {
    std::set<int64_t> steps;
    for (const Point& point : points) {
      if (point.stage == stage && point.name == name) steps.insert(point.step);
    }
    std::vector<std::vector<std::string>> rows = {{stage + " " + name + ", step"}};
    rows[0].insert(rows[0].end(), cells.begin(), cells.end());
    for (const int64_t step : steps) {
      std::vector<std::string> row = {std::to_string(step)};
      for (const std::string& cell : cells) {
        std::vector<double> values;
        for (const Point& point : points) {
          if (point.stage == stage && point.name == name && point.step == step &&
              point.cell == cell)
            values.push_back(point.value);
        }
        row.push_back(mean_text(values));
      }
      rows.push_back(std::move(row));
    }
    text += "\n" + table_text(rows);
  }
  return text;
}

std::string csv_of(const std::vector<Measured>& measured) {
  std::string csv = "cell,seed,of,number,value\n";
  for (const Measured& one : measured) {
    for (const Column& column : one.columns) {
      for (const Number& number : column.stored.numbers)
        csv += c10::str(one.cell, ",", one.seed, ",", column.name, ",", number.name, ",",
                        number.value, "\n");
    }
  }
  return csv;
}

std::string csv_of(const std::vector<Point>& points) {
  std::string csv = "cell,seed,stage,number,step,value\n";
  for (const Point& p : points)
    csv +=
        c10::str(p.cell, ",", p.seed, ",", p.stage, ",", p.name, ",", p.step, ",", p.value, "\n");
  return csv;
}

}  // namespace

std::string report_matrix(const CompareSettings& settings, const std::vector<CellRun>& runs,
                          int64_t resamples, const fs::path& folder) {
  std::vector<Measured> measured;
  for (const CellRun& run : runs) measured.push_back({run.cell, run.seed, columns_of(run.results)});
  const std::vector<std::string> cells = cells_of(runs);
  const std::vector<std::string> numbers = shown_numbers(settings, measured);
  const std::vector<Point> points = points_of(settings, runs);
  const std::string text = mean_table(measured, cells, numbers) +
                           difference_table(settings, measured, cells, numbers, resamples) +
                           curve_tables(points, cells);
  io::write_text(folder / "results.md", text);
  io::write_text(folder / "results.csv", csv_of(measured));
  if (!points.empty()) io::write_text(folder / "curves.csv", csv_of(points));
  return text;
}

}  // namespace tsrec::host
