#include "report/report.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "config/toml_reader.hpp"
#include "pipeline/parts.hpp"
#include "report/columns.hpp"
#include "report/statistics.hpp"
#include "report/table.hpp"
#include "report/work.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

uint64_t seed_of(const Experiment& experiment) {
  return static_cast<uint64_t>(experiment.run.seed);
}

int64_t resamples_of(const Experiment& experiment) { return experiment.parts->evaluate.bootstrap; }

std::string ranking_table(const std::vector<Column>& columns) {
  std::vector<std::vector<std::string>> rows = {{"number"}};
  for (const Column& column : columns) rows[0].push_back(column.name);
  for (const std::string& name : number_names(columns)) {
    std::vector<std::string> row = {name};
    for (const Column& column : columns) {
      const Number* number = number_of(column, name);
      row.push_back(number != nullptr ? fixed(number->value) : "");
    }
    rows.push_back(std::move(row));
  }
  return table_text(rows);
}

std::string interval_table(const Experiment& experiment, const std::vector<Column>& columns,
                           ordered_json& json) {
  std::vector<std::vector<std::string>> rows = {{"95 % interval"}};
  for (const Column& column : columns) rows[0].push_back(column.name);
  for (const std::string& name : number_names(columns)) {
    std::vector<std::string> row = {name};
    bool has_any = false;
    for (const Column& column : columns) {
      const Number* number = number_of(column, name);
      if (number == nullptr || !number->row_S.defined()) {
        row.emplace_back("");
        continue;
      }
      const Interval interval = bootstrap_mean(number->row_S, column.stored.user_S,
                                               resamples_of(experiment), seed_of(experiment));
      row.push_back(fixed(interval.low) + " .. " + fixed(interval.high));
      json[column.name][name + ".interval"] = {interval.low, interval.high};
      has_any = true;
    }
    if (has_any && name.starts_with("item.")) rows.push_back(std::move(row));
  }
  return rows.size() > 1 ? table_text(rows) : "";
}

// Each model against the one before it, on the same rows.
std::string difference_table(const Experiment& experiment, const std::vector<Column>& columns,
                             ordered_json& json) {
  std::vector<const Column*> models;
  for (const Column& column : columns) {
    if (column.is_model) models.push_back(&column);
  }
  std::string text;
  for (size_t m = 1; m < models.size(); ++m) {
    const Column &before = *models[m - 1], &after = *models[m];
    std::vector<std::vector<std::string>> rows = {{after.name + " minus " + before.name,
                                                   "difference", "95 % interval", "p (Holm)",
                                                   "McNemar"}};
    std::vector<Difference> differences;
    std::vector<double> p;
    for (const Number& number : after.stored.numbers) {
      const Number* old = number_of(before, number.name);
      if (old == nullptr || !number.row_S.defined() || !number.name.starts_with("item.")) continue;
      differences.push_back(paired_bootstrap(old->row_S, number.row_S, after.stored.user_S,
                                             resamples_of(experiment), seed_of(experiment)));
      p.push_back(differences.back().p);
      const bool is_hit = number.name.starts_with("item.hr@");
      rows.push_back({number.name, fixed(differences.back().mean),
                      fixed(differences.back().interval.low) + " .. " +
                          fixed(differences.back().interval.high),
                      "", is_hit ? fixed(mcnemar(old->row_S, number.row_S), 3) : ""});
    }
    const std::vector<double> adjusted = holm(p);
    for (size_t i = 0; i < adjusted.size(); ++i) {
      rows[i + 1][3] = fixed(adjusted[i], 3);
      json[after.name + " minus " + before.name][rows[i + 1][0]] = {
          {"difference", differences[i].mean},
          {"interval", {differences[i].interval.low, differences[i].interval.high}},
          {"p", adjusted[i]}};
    }
    if (rows.size() > 1) text += "\n" + table_text(rows);
  }
  return text;
}

}  // namespace

std::string report_run(const Experiment& experiment, const std::vector<StageResult>& results,
                       const fs::path& run_folder) {
  const std::vector<Column> columns = columns_of(results);
  ordered_json json = ordered_json::object();
  std::string csv = "of,number,value\n", text = "# " + experiment.run.name + "\n\n";
  for (const Column& column : columns) {
    for (const Number& number : column.stored.numbers) {
      json[column.name][number.name] = number.value;
      csv += column.name + "," + number.name + "," + c10::str(number.value) + "\n";
    }
  }
  if (!columns.empty()) {
    text += ranking_table(columns) + "\n" + interval_table(experiment, columns, json) +
            difference_table(experiment, columns, json) + "\n";
  }
  text += report_work(experiment.run, results, run_folder);
  io::write_text(run_folder / "numbers.json", json.dump(1) + "\n");
  io::write_text(run_folder / "results.csv", csv);
  io::write_text(run_folder / "results.md", text);
  return text;
}

std::vector<std::string> check_expected(const fs::path& expected,
                                        const std::vector<StageResult>& results) {
  const Node document = read_toml(expected);
  const Node* numbers = document.find("numbers");
  if (numbers == nullptr || !numbers->is_table())
    throw ConfigError("'", expected.string(), "' has no [numbers]");
  const std::vector<Column> columns = columns_of(results);
  std::vector<std::string> outside;
  for (const auto& [name, entry] : std::get<Node::Table>(numbers->value)) {
    const auto read = [&, key = name](const char* field) {
      const Node* node = entry.find(field);
      if (node != nullptr && std::holds_alternative<double>(node->value))
        return std::get<double>(node->value);
      if (node != nullptr && std::holds_alternative<int64_t>(node->value))
        return static_cast<double>(std::get<int64_t>(node->value));
      throw ConfigError(entry.origin.text(), ": '", key, "' needs value = ... and tolerance = ...");
    };
    const double value = read("value"), tolerance = read("tolerance");
    const size_t dot = name.find('.');
    const auto column =
        std::find_if(columns.begin(), columns.end(),
                     [&, key = name](const Column& c) { return c.name == key.substr(0, dot); });
    const Number* number =
        column == columns.end() ? nullptr : number_of(*column, name.substr(dot + 1));
    if (number == nullptr) {
      outside.push_back(name + " was not measured");
    } else if (!(std::abs(number->value - value) <= tolerance)) {
      outside.push_back(name + " = " + fixed(number->value, 6) + ", expected " + fixed(value, 6) +
                        " within " + fixed(tolerance, 6));
    }
  }
  return outside;
}

std::string compare_runs(const std::vector<fs::path>& folders) {
  std::vector<std::pair<std::string, ordered_json>> columns;
  for (const fs::path& folder : folders) {
    const ordered_json json = ordered_json::parse(io::read_text(folder / "numbers.json"));
    for (const auto& [of, numbers] : json.items()) {
      if (of.find(" minus ") == std::string::npos)
        columns.emplace_back(folder.filename().string() + ":" + of, numbers);
    }
  }
  std::vector<std::string> names;
  for (const auto& [label, numbers] : columns) {
    for (const auto& [name, value] : numbers.items()) {
      if (value.is_number() && std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(name);
    }
  }
  // One line per result, one column per number: runs are many, numbers few.
  std::vector<std::vector<std::string>> rows = {{"run:of"}};
  rows[0].insert(rows[0].end(), names.begin(), names.end());
  std::map<std::string, ordered_json> first_of;
  for (const auto& [label, numbers] : columns) {
    const std::string of = label.substr(label.rfind(':') + 1);
    const bool is_first = !first_of.contains(of);
    if (is_first) first_of[of] = numbers;
    std::vector<std::string> row = {label};
    for (const std::string& name : names) {
      if (!numbers.contains(name)) {
        row.emplace_back("");
        continue;
      }
      const double value = numbers.at(name).get<double>();
      std::string cell = fixed(value);
      if (!is_first && first_of[of].contains(name)) {
        const double delta = value - first_of[of].at(name).get<double>();
        cell += " (" + signed_fixed(delta) + ")";
      }
      row.push_back(cell);
    }
    rows.push_back(std::move(row));
  }
  return table_text(rows);
}

}  // namespace tsrec::host
