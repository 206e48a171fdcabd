#include "report/columns.hpp"

#include <algorithm>

namespace tsrec::host {

std::vector<Column> columns_of(const std::vector<StageResult>& results) {
  std::vector<Column> columns;
  const std::string prefix = "evaluate.";
  for (const StageResult& result : results) {
    if (!result.name.starts_with(prefix) || result.digest.empty()) continue;
    Column column;
    column.name = result.name.substr(prefix.size());
    const bool is_recommender =
        std::any_of(results.begin(), results.end(),
                    [&](const StageResult& r) { return r.name == "recommender." + column.name; });
    column.is_model = !is_recommender;
    column.stored = read_numbers(result.folder);
    columns.push_back(std::move(column));
  }
  return columns;
}

const Number* number_of(const Column& column, const std::string& name) {
  for (const Number& number : column.stored.numbers) {
    if (number.name == name) return &number;
  }
  return nullptr;
}

std::vector<std::string> number_names(const std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) {
    for (const Number& number : column.stored.numbers) {
      if (std::find(names.begin(), names.end(), number.name) == names.end())
        names.push_back(number.name);
    }
  }
  return names;
}

}  // namespace tsrec::host
