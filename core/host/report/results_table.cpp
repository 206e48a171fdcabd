#include "report/results_table.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>

#include "report/table.hpp"
#include "support/number_text.hpp"

namespace tsrec::host {
namespace {

using Cell = ResultsTable::Cell;
using Group = ResultsTable::Group;
using Row = ResultsTable::Row;
using Verdict = ResultsTable::Verdict;

constexpr double kSignificant = 0.05;

Verdict verdict_of(const Difference& difference, double adjusted_p, Better better) {
  if (better == Better::unknown || !(adjusted_p <= kSignificant) || difference.mean == 0)
    return Verdict::none;
  return (difference.mean > 0) == (better == Better::higher) ? Verdict::better : Verdict::worse;
}

// Numbers by item decide; a run without any shows what it has.
std::vector<std::string> shown_numbers(const std::vector<RunReport>& runs) {
  std::vector<std::string> all, by_item;
  for (const RunReport& run : runs) {
    for (const std::string& name : run.numbers) {
      if (std::find(all.begin(), all.end(), name) == all.end()) all.push_back(name);
    }
  }
  std::copy_if(all.begin(), all.end(), std::back_inserter(by_item),
               [](const std::string& name) { return name.starts_with("item."); });
  return by_item.empty() ? all : by_item;
}

Better direction_of(const std::string& number, const std::vector<RunReport>& runs) {
  for (const RunReport& run : runs) {
    for (const ReportedColumn& column : run.columns) {
      const ReportedNumber* found = column.find(number);
      if (found != nullptr && found->better != Better::unknown) return found->better;
    }
  }
  return Better::unknown;
}

const TestedNumber* tested_number(const RunReport& run, const std::string& model,
                                  const std::string& number) {
  for (const ReportedDifference& pair : run.differences) {
    if (pair.after != model) continue;
    for (const TestedNumber& tested : pair.numbers) {
      if (tested.name == number) return &tested;
    }
  }
  return nullptr;
}

Row row_of(const RunReport& run, const ReportedColumn& column, const std::string& label,
           const ResultsTable& table) {
  Row row{column.is_model ? Group::model : Group::recommender, label, {}};
  for (size_t n = 0; n < table.numbers.size(); ++n) {
    Cell& cell = row.cells.emplace_back();
    const ReportedNumber* number = column.find(table.numbers[n]);
    if (number == nullptr) continue;
    cell.value = number->value;
    const TestedNumber* tested = tested_number(run, column.name, table.numbers[n]);
    if (tested != nullptr)
      cell.verdict = verdict_of(tested->difference, tested->adjusted, table.better[n]);
  }
  return row;
}

std::string quoted_rows(int64_t least, int64_t most) {
  return least == most ? std::to_string(least) : c10::str(least, " to ", most);
}

// What the signs behind a run's values mean: who was tested against whom, how, and on how many
// rows.
std::string note_of(const std::vector<RunReport>& runs) {
  std::vector<std::string> pairs;
  std::set<size_t> sizes;
  int64_t least = 0, most = 0;
  for (const RunReport& run : runs) {
    for (const ReportedDifference& pair : run.differences) {
      if (pair.numbers.empty()) continue;
      const std::string said = pair.after + " against " + pair.before;
      if (std::find(pairs.begin(), pairs.end(), said) == pairs.end()) pairs.push_back(said);
      sizes.insert(pair.numbers.size());
      for (const TestedNumber& number : pair.numbers) {
        least = least == 0 ? number.rows : std::min(least, number.rows);
        most = std::max(most, number.rows);
      }
    }
  }
  if (pairs.empty()) return "";
  const std::string family = *sizes.begin() == *sizes.rbegin()
                                 ? std::to_string(*sizes.begin())
                                 : c10::str(*sizes.begin(), " to ", *sizes.rbegin());
  return c10::str("Each model against the one that it was trained from (", c10::Join(", ", pairs),
                  "): paired bootstrap over users, p at most .05 after ",
                  person_of(runs.front().tests.how_corrected()), " over the ", family,
                  " numbers of a pair, n = ", quoted_rows(least, most), " rows.");
}

// "a floor", or "cell:model" of a cell's last model, which is the one that is tested.
bool is_last_model(const MatrixReport& report, size_t row) {
  const std::string& cell = report.rows[row].cell;
  if (cell.empty()) return false;
  return std::none_of(report.rows.begin() + static_cast<std::ptrdiff_t>(row) + 1, report.rows.end(),
                      [&](const MatrixReport::Row& later) { return later.cell == cell; });
}

const MatrixReport::CellDifference* difference_of(const MatrixReport& report,
                                                  const std::string& cell,
                                                  const std::string& number) {
  for (const MatrixReport::CellDifference& difference : report.differences) {
    if (difference.cell == cell && difference.number == number) return &difference;
  }
  return nullptr;
}

std::vector<std::string> notes_of(const MatrixReport& report) {
  std::vector<std::string> notes;
  int64_t least_seeds = 0, most_seeds = 0;
  for (const MatrixReport::Row& row : report.rows) {
    for (const Spread& spread : row.numbers) {
      if (row.cell.empty() || spread.count == 0) continue;
      least_seeds = least_seeds == 0 ? spread.count : std::min(least_seeds, spread.count);
      most_seeds = std::max(most_seeds, spread.count);
    }
  }
  if (most_seeds > 1)
    notes.push_back(c10::str("Mean and standard deviation over ",
                             quoted_rows(least_seeds, most_seeds), " seeds."));
  if (!report.differences.empty()) {
    int64_t least = report.differences.front().rows, most = least;
    for (const MatrixReport::CellDifference& difference : report.differences) {
      least = std::min(least, difference.rows);
      most = std::max(most, difference.rows);
    }
    notes.push_back(c10::str(
        "The last model of each cell against that of ", report.against,
        most_seeds > 1 ? ": Student's t over seeds and users" : ": paired bootstrap over users",
        ", p at most .05 after ", person_of(report.settings.how_corrected()), " over the table's ",
        report.differences.size(), " differences, n = ", quoted_rows(least, most), " rows."));
  }
  return notes;
}

// The value of what is printed: two values that read alike are alike.
std::optional<double> compared(const Cell& cell) {
  return cell.value && std::isfinite(*cell.value) ? std::optional(std::stod(printed(*cell.value)))
                                                  : std::nullopt;
}

std::string marked(const std::string& text, const Cell& cell,
                   const ResultsTable::Outstanding& outstanding, const Row& row) {
  std::string shown = text;
  if (row.group != Group::published && outstanding.best && outstanding.best == compared(cell))
    shown = "**" + text + "**";
  else if (row.group != Group::published && outstanding.second &&
           outstanding.second == compared(cell))
    shown = "<u>" + text + "</u>";
  if (cell.verdict == Verdict::better) shown += " †";
  if (cell.verdict == Verdict::worse) shown += " ‡";
  return shown;
}

}  // namespace

std::string printed(double value) { return fixed(value, 4); }

std::string paper_name(const std::string& number) {
  std::string name = number;
  if (!number.starts_with("item.")) return name;
  name.erase(0, std::string("item.").size());
  const size_t at = name.find('@');
  if (at == std::string::npos) return name;
  std::transform(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(at), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return name;
}

ResultsTable::Outstanding ResultsTable::outstanding(size_t number) const {
  std::vector<double> values;
  for (const Row& row : rows) {
    const std::optional<double> value = compared(row.cells[number]);
    if (row.group != Group::published && value) values.push_back(*value);
  }
  if (values.size() < 2 || better[number] == Better::unknown) return {};
  const bool is_up = better[number] == Better::higher;
  std::sort(values.begin(), values.end(),
            [&](double a, double b) { return is_up ? a > b : a < b; });
  Outstanding found{values.front(), std::nullopt};
  const auto next = std::find_if(values.begin(), values.end(),
                                 [&](double value) { return value != values.front(); });
  if (next != values.end()) found.second = *next;
  return found;
}

bool ResultsTable::has_verdicts() const {
  return std::any_of(rows.begin(), rows.end(), [](const Row& row) {
    return std::any_of(row.cells.begin(), row.cells.end(),
                       [](const Cell& cell) { return cell.verdict != Verdict::none; });
  });
}

ResultsTable results_table(const std::vector<RunReport>& runs) {
  ResultsTable table;
  table.numbers = shown_numbers(runs);
  for (const std::string& number : table.numbers)
    table.better.push_back(direction_of(number, runs));
  std::vector<std::string> names;
  for (const RunReport& run : runs) names.push_back(run.name);
  table.title = c10::Join(", ", names);
  for (const bool is_model : {false, true}) {
    for (const RunReport& run : runs) {
      for (const ReportedColumn& column : run.columns) {
        const std::string label = runs.size() > 1 ? run.name + ":" + column.name : column.name;
        if (column.is_model == is_model) table.rows.push_back(row_of(run, column, label, table));
      }
    }
  }
  const std::string note = note_of(runs);
  if (!note.empty()) table.notes.push_back(note);
  return table;
}

ResultsTable results_table(const MatrixReport& report, const std::string& title) {
  ResultsTable table;
  table.title = title;
  table.numbers = report.numbers;
  table.better = report.better;
  for (size_t r = 0; r < report.rows.size(); ++r) {
    const MatrixReport::Row& from = report.rows[r];
    Row& row = table.rows.emplace_back(
        Row{from.cell.empty() ? Group::recommender : Group::model, from.label, {}});
    for (size_t n = 0; n < report.numbers.size(); ++n) {
      const Spread& spread = from.numbers[n];
      Cell& cell = row.cells.emplace_back();
      if (spread.count > 0) cell.value = spread.mean;
      if (spread.count > 1) cell.deviation = spread.deviation;
      const auto* difference =
          is_last_model(report, r) ? difference_of(report, from.cell, report.numbers[n]) : nullptr;
      if (difference != nullptr)
        cell.verdict = verdict_of(difference->difference, difference->adjusted, report.better[n]);
    }
  }
  table.notes = notes_of(report);
  return table;
}

void add_published(ResultsTable& table, const PublishedTable& published) {
  bool is_any = false;
  for (const PublishedTable::Row& line : published.rows) {
    Row& row = table.rows.emplace_back(Row{Group::published, line.label + " (published)", {}});
    for (const std::string& number : table.numbers) {
      Cell& cell = row.cells.emplace_back();
      for (const auto& [name, value] : line.numbers) {
        if (name == number) cell.value = value;
      }
      is_any = is_any || cell.value;
    }
  }
  if (!is_any)
    throw ConfigError("the published table ", published.name, " has none of the numbers ",
                      c10::Join(", ", table.numbers));
  table.notes.push_back("Published values (" + published.name +
                        ") are of another training, and are not ranked.");
}

std::string markdown_of(const ResultsTable& table) {
  std::vector<std::vector<std::string>> rows = {{table.title}};
  for (const std::string& number : table.numbers) rows[0].push_back(paper_name(number));
  for (const Row& row : table.rows) {
    auto& line = rows.emplace_back(std::vector<std::string>{row.label});
    for (size_t n = 0; n < row.cells.size(); ++n) {
      const Cell& cell = row.cells[n];
      if (!cell.value) {
        line.emplace_back("");
        continue;
      }
      line.push_back(marked(printed(*cell.value), cell, table.outstanding(n), row) +
                     (cell.deviation ? " ± " + printed(*cell.deviation) : ""));
    }
  }
  std::string text = table_text(rows) + "\nBold: the best of a column; underlined: the second.";
  if (table.has_verdicts()) text += " †: better than the baseline; ‡: worse.";
  for (const std::string& note : table.notes) text += "\n" + note;
  return text + "\n";
}

}  // namespace tsrec::host
