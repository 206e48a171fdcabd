#include "report/published.hpp"

#include "config/toml_reader.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::host {
namespace {

// A table of lines: tables that hold numbers, and nothing else.
bool is_lines(const Node& node) {
  if (!node.is_table()) return false;
  const auto& entries = std::get<Node::Table>(node.value);
  if (entries.empty()) return false;
  for (const auto& [label, line] : entries) {
    if (!line.is_table()) return false;
    for (const auto& [name, value] : std::get<Node::Table>(line.value)) {
      if (value.is_table()) return false;
    }
  }
  return true;
}

void collect(const Node& node, const std::string& name,
             std::vector<std::pair<std::string, const Node*>>& found) {
  if (is_lines(node)) {
    found.emplace_back(name, &node);
  } else if (node.is_table()) {
    for (const auto& [key, child] : std::get<Node::Table>(node.value))
      collect(child, name.empty() ? key : name + "." + key, found);
  }
}

double number_in(const Node& node) {
  if (std::holds_alternative<double>(node.value)) return std::get<double>(node.value);
  if (std::holds_alternative<int64_t>(node.value))
    return static_cast<double>(std::get<int64_t>(node.value));
  throw ConfigError(node.origin.text(), ": a published value must be a number");
}

}  // namespace

PublishedTable read_published(const std::string& where) {
  const size_t colon = where.rfind(':');
  const std::string file = where.substr(0, colon);
  const std::string wanted = colon == std::string::npos ? "" : where.substr(colon + 1);
  const Node document = read_toml(file);
  std::vector<std::pair<std::string, const Node*>> tables;
  collect(document, "", tables);
  std::vector<std::string> names;
  for (const auto& [name, node] : tables) {
    names.push_back(name);
    if (name != wanted) continue;
    PublishedTable table{name, {}};
    for (const auto& [label, line] : std::get<Node::Table>(node->value)) {
      PublishedTable::Row& row = table.rows.emplace_back(PublishedTable::Row{label, {}});
      for (const auto& [number, value] : std::get<Node::Table>(line.value))
        row.numbers.emplace_back(number, number_in(value));
    }
    return table;
  }
  if (wanted.empty())
    throw ConfigError("'", where, "' names a file of published numbers; say which of its tables, ",
                      "such as ", file, ":", names.empty() ? "TABLE" : names.front());
  throw ConfigError("'", file, "' has no table '", wanted, "'", suggest(wanted, names));
}

}  // namespace tsrec::host
