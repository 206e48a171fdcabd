#include "report/side_by_side.hpp"

#include <algorithm>
#include <map>

#include "report/numbers_file.hpp"
#include "report/table.hpp"
#include "support/number_text.hpp"

namespace tsrec::host {

namespace fs = std::filesystem;

std::string side_by_side(const std::vector<fs::path>& run_folders) {
  std::vector<std::pair<std::string, std::map<std::string, double>>> columns;
  std::vector<std::string> names;
  for (const fs::path& folder : run_folders) {
    for (const StoredColumn& column : stored_columns(folder)) {
      columns.emplace_back(folder.filename().string() + ":" + column.name,
                           std::map(column.numbers.begin(), column.numbers.end()));
      for (const auto& [name, value] : column.numbers) {
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
      }
    }
  }
  // One line per result, one column per number: runs are many, numbers few.
  std::vector<std::vector<std::string>> rows = {{"run:of"}};
  rows[0].insert(rows[0].end(), names.begin(), names.end());
  std::map<std::string, std::map<std::string, double>> first_of;
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
      const double value = numbers.at(name);
      std::string cell = fixed(value);
      if (!is_first && first_of[of].contains(name)) {
        const double delta = value - first_of[of].at(name);
        cell += " (" + signed_fixed(delta) + ")";
      }
      row.push_back(cell);
    }
    rows.push_back(std::move(row));
  }
  return table_text(rows);
}

}  // namespace tsrec::host
