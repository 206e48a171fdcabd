#include "config/toml_reader.hpp"

#include <toml++/toml.h>

#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

Node converted(const toml::node& from, const std::string& file) {
  Node node;
  node.origin = {file, static_cast<int>(from.source().begin.line),
                 static_cast<int>(from.source().begin.column), ""};
  if (const auto* table = from.as_table()) {
    Node::Table entries;
    for (const auto& [key, child] : *table)
      entries.emplace_back(std::string(key.str()), converted(child, file));
    // toml++ sorts its keys; a document reads in the order it was written.
    std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
      return std::pair(a.second.origin.line, a.second.origin.column) <
             std::pair(b.second.origin.line, b.second.origin.column);
    });
    node.value = std::move(entries);
  } else if (const auto* array = from.as_array()) {
    Node::List entries;
    for (const toml::node& child : *array) entries.push_back(converted(child, file));
    node.value = std::move(entries);
  } else if (const auto text = from.value_exact<std::string>()) {
    node.value = *text;
  } else if (const auto flag = from.value_exact<bool>()) {
    node.value = *flag;
  } else if (const auto integer = from.value_exact<int64_t>()) {
    node.value = *integer;
  } else if (const auto number = from.value_exact<double>()) {
    node.value = *number;
  } else {
    throw ConfigError(node.origin.text(), ": dates and times mean nothing here; write a string");
  }
  return node;
}

}  // namespace

Node read_toml(const std::filesystem::path& file) {
  std::string text;
  try {
    text = io::read_text(file);
  } catch (const DataError& error) {
    throw ConfigError(error.what());
  }
  try {
    return converted(toml::parse(text, file.string()), file.string());
  } catch (const toml::parse_error& error) {
    throw ConfigError(file.string(), ":", error.source().begin.line, ":",
                      error.source().begin.column, ": ", std::string(error.description()));
  }
}

namespace {

void set_origin(Node& node, const Origin& origin) {
  node.origin = origin;
  if (auto* table = std::get_if<Node::Table>(&node.value)) {
    for (auto& [key, child] : *table) set_origin(child, origin);
  }
  if (auto* list = std::get_if<Node::List>(&node.value)) {
    for (Node& child : *list) set_origin(child, origin);
  }
}

}  // namespace

Node parse_value(const std::string& text, const Origin& origin) {
  Node node;
  try {
    node = *converted(toml::parse("value = " + text), "").find("value");
  } catch (const toml::parse_error&) {
    node.value = text;
  }
  set_origin(node, origin);
  node.consumed = false;
  return node;
}

}  // namespace tsrec::host
