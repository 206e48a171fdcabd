#include "report/side_by_side.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "report/table.hpp"
#include "support/number_text.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

// Not what was tested, nor what was warned of.
bool is_column(const std::string& name) {
  const bool is_other =
      name == "alarms" || name == "trainings" || name == "movements" || name == "breakdowns";
  return !is_other && name.find(" minus ") == std::string::npos;
}

}  // namespace

std::string side_by_side(const std::vector<fs::path>& run_folders) {
  std::vector<std::pair<std::string, ordered_json>> columns;
  for (const fs::path& folder : run_folders) {
    const ordered_json json = ordered_json::parse(io::read_text(folder / "numbers.json"));
    for (const auto& [of, numbers] : json.items()) {
      if (is_column(of)) columns.emplace_back(folder.filename().string() + ":" + of, numbers);
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
