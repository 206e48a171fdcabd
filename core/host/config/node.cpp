#include <algorithm>
#include <map>

#include "config/document.hpp"
#include "config/names.hpp"
#include "tsrec/io/toml_text.hpp"

namespace tsrec::host {
namespace {

std::string key_text(const std::string& key) {
  const bool is_bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  return is_bare ? key : io::toml_string(key);
}

std::string inline_text(const Node& node) {
  if (!node.resolved.empty()) return node.resolved;
  std::string out;
  if (const auto* flag = std::get_if<bool>(&node.value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<int64_t>(&node.value)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&node.value)) return io::toml_float(*number);
  if (const auto* text = std::get_if<std::string>(&node.value)) return io::toml_string(*text);
  if (const auto* list = std::get_if<Node::List>(&node.value)) {
    for (const Node& entry : *list) out += (out.empty() ? "" : ", ") + inline_text(entry);
    return "[" + out + "]";
  }
  if (const auto* table = std::get_if<Node::Table>(&node.value)) {
    for (const auto& [key, entry] : *table)
      out += (out.empty() ? " " : ", ") + key_text(key) + " = " + inline_text(entry);
    return "{" + out + " }";
  }
  return "\"\"";
}

bool is_list_of_tables(const Node& node) {
  const auto* list = std::get_if<Node::List>(&node.value);
  return list != nullptr && !list->empty() &&
         std::all_of(list->begin(), list->end(), [](const Node& n) { return n.is_table(); });
}

// Plain values first, as TOML wants it, then the tables.
void print(const Node& node, const std::string& path, std::string& out) {
  const auto& table = std::get<Node::Table>(node.value);
  for (const auto& [key, child] : table) {
    if (!child.is_table() && !is_list_of_tables(child))
      out += key_text(key) + " = " + inline_text(child) + "\n";
  }
  for (const auto& [key, child] : table) {
    const std::string name = path.empty() ? key_text(key) : path + "." + key_text(key);
    if (child.is_table()) {
      out += "\n[" + name + "]\n";
      print(child, name, out);
    } else if (is_list_of_tables(child)) {
      for (const Node& entry : std::get<Node::List>(child.value)) {
        out += "\n[[" + name + "]]\n";
        print(entry, name, out);
      }
    }
  }
}

const Node* entry_of(const Node::Table& table, std::string_view key) {
  for (const auto& [name, child] : table) {
    if (name == key) return &child;
  }
  return nullptr;
}

void merge_named_lists(Node::List& list, const Node::List& over) {
  for (const Node& entry : over) {
    const auto same = std::find_if(list.begin(), list.end(),
                                   [&](const Node& old) { return name_of(old) == name_of(entry); });
    if (same != list.end()) {
      same->merge(entry);
    } else {
      list.push_back(entry);
    }
  }
}

}  // namespace

std::string name_of(const Node& entry) {
  if (!entry.is_table()) return "";
  const auto& table = std::get<Node::Table>(entry.value);
  const auto text_of = [&](const char* key) -> const std::string* {
    const Node* found = entry_of(table, key);
    return found != nullptr ? std::get_if<std::string>(&found->value) : nullptr;
  };
  if (const std::string* name = text_of("name")) return *name;
  const std::string* use = text_of("use");
  return use != nullptr ? use->substr(use->rfind('/') + 1) : "";
}

bool is_entry_name(const std::string& name) {
  const auto is_alnum = [](unsigned char c) { return std::isalnum(c) != 0; };
  return !name.empty() && is_alnum(static_cast<unsigned char>(name.front())) &&
         std::all_of(name.begin(), name.end(),
                     [&](unsigned char c) { return is_alnum(c) || c == '_' || c == '-'; });
}

void refuse_twins(const Node& node, const std::string& path) {
  if (is_named_list(node)) {
    std::map<std::string, const Node*> first;
    for (const Node& entry : std::get<Node::List>(node.value)) {
      const auto [at, is_new] = first.emplace(name_of(entry), &entry);
      if (is_new) continue;
      throw ConfigError("two entries of [[", path, "]] are called '", at->first,
                        "': ", at->second->origin.text(), " and ", entry.origin.text(),
                        "; give each a name of its own, such as  name = \"", at->first, "_2\"");
    }
  }
  if (const auto* list = std::get_if<Node::List>(&node.value)) {
    for (const Node& entry : *list) refuse_twins(entry, path);
  }
  if (const auto* table = std::get_if<Node::Table>(&node.value)) {
    for (const auto& [key, child] : *table)
      refuse_twins(child, path.empty() ? key : path + "." + key);
  }
}

bool is_named_list(const Node& node) {
  if (!is_list_of_tables(node)) return false;
  const auto& list = std::get<Node::List>(node.value);
  return std::all_of(list.begin(), list.end(),
                     [](const Node& entry) { return !name_of(entry).empty(); });
}

std::string Origin::text() const {
  if (!flag.empty()) return flag;
  if (file.empty()) return "default";
  return line > 0 ? file + ":" + std::to_string(line) + ":" + std::to_string(column) : file;
}

bool Node::operator==(const Node& other) const { return value == other.value; }

const Node* Node::find(std::string_view key) const {
  if (!is_table()) return nullptr;
  const Node* found = entry_of(std::get<Table>(value), key);
  if (found != nullptr) found->consumed = true;
  return found;
}

Node& Node::set(std::string_view key, Node child) {
  auto& table = std::get<Table>(value);
  for (auto& [name, old] : table) {
    if (name == key) return old = std::move(child);
  }
  return table.emplace_back(std::string(key), std::move(child)).second;
}

bool Node::erase(std::string_view key) {
  auto& table = std::get<Table>(value);
  return std::erase_if(table, [&](const auto& entry) { return entry.first == key; }) > 0;
}

std::string Node::toml() const {
  if (!is_table()) return inline_text(*this);
  std::string out;
  print(*this, "", out);
  return out;
}

void Node::consume_all() const {
  consumed = true;
  if (const auto* table = std::get_if<Table>(&value)) {
    for (const auto& [key, child] : *table) child.consume_all();
  }
  if (const auto* list = std::get_if<List>(&value)) {
    for (const Node& child : *list) child.consume_all();
  }
}

void Node::merge(const Node& over) {
  if (!is_table() || !over.is_table()) {
    if (is_named_list(*this) && is_named_list(over)) {
      merge_named_lists(std::get<List>(value), std::get<List>(over.value));
    } else {
      *this = over;
    }
    return;
  }
  const Node* old_use = entry_of(std::get<Table>(value), "use");
  const Node* new_use = entry_of(std::get<Table>(over.value), "use");
  if (old_use != nullptr && new_use != nullptr && !(*old_use == *new_use)) {
    value = Table{};  // another part: the old one's options mean nothing to it
  }
  for (const auto& [key, child] : std::get<Table>(over.value)) {
    auto& table = std::get<Table>(value);
    const auto same = std::find_if(table.begin(), table.end(), [&, name = key](const auto& entry) {
      return entry.first == name;
    });
    if (same == table.end()) {
      table.emplace_back(key, child);
    } else {
      same->second.merge(child);
    }
  }
}

}  // namespace tsrec::host
