#include "report/numbers_file.hpp"

#include <nlohmann/json.hpp>

#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

// Not what was tested, nor how targets moved, nor hit rates by groups of rows, nor what the data
// are like.
bool is_column(const std::string& name, const nlohmann::ordered_json& value) {
  return value.is_object() && name != "movements" && name != "breakdowns" && name != "audit" &&
         name.find(" minus ") == std::string::npos;
}

}  // namespace

std::vector<StoredColumn> stored_columns(const std::filesystem::path& run_folder) {
  const std::filesystem::path file = run_folder / "numbers.json";
  std::vector<StoredColumn> columns;
  if (!std::filesystem::exists(file)) return columns;
  try {
    const auto json = nlohmann::ordered_json::parse(io::read_text(file));
    for (const auto& [name, value] : json.items()) {
      if (!is_column(name, value)) continue;
      StoredColumn& column = columns.emplace_back();
      column.name = name;
      for (const auto& [number, amount] : value.items()) {
        if (amount.is_number()) column.numbers.emplace_back(number, amount.get<double>());
      }
    }
  } catch (const nlohmann::json::exception& error) {
    throw DataError("'", file.string(), "' cannot be read (", error.what(), ")");
  }
  return columns;
}

}  // namespace tsrec::host
