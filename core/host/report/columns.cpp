#include "report/columns.hpp"

#include <algorithm>

namespace tsrec::host {
namespace {

std::string evaluated_ancestor(const std::string& model, const Lineage& lineage,
                               const std::vector<Column>& columns) {
  for (auto at = lineage.find(model); at != lineage.end(); at = lineage.find(at->second)) {
    if (column_of(columns, at->second) != nullptr) return at->second;
  }
  return "";
}

}  // namespace

std::vector<Column> columns_of(const std::vector<StageResult>& results, const Lineage& lineage) {
  std::vector<Column> columns;
  for (const StageResult& result : results) {
    const bool is_model = result.id.role == StageId::Role::rank_model;
    const bool is_ranked = is_model || result.id.role == StageId::Role::rank_recommender;
    if (!is_ranked || result.digest.empty()) continue;
    Column column;
    column.name = result.id.of;
    column.is_model = is_model;
    column.stored = read_numbers(result.folder);
    columns.push_back(std::move(column));
  }
  for (Column& column : columns) {
    if (column.is_model) column.from = evaluated_ancestor(column.name, lineage, columns);
  }
  return columns;
}

const Column* last_model(const std::vector<Column>& columns) {
  const auto last = std::find_if(columns.rbegin(), columns.rend(),
                                 [](const Column& column) { return column.is_model; });
  if (last != columns.rend()) return &*last;
  return columns.empty() ? nullptr : &columns.back();
}

const Column* column_of(const std::vector<Column>& columns, const std::string& name) {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const Column& column) { return column.name == name; });
  return found == columns.end() ? nullptr : &*found;
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
