#include <algorithm>
#include <cstdlib>
#include <functional>

#include "config/document.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

const char* type_of(const Node& node) {
  switch (node.value.index()) {
    case 1:
      return "true or false";
    case 2:
      return "an integer";
    case 3:
      return "a number";
    case 4:
      return "a string";
    case 5:
      return "a list";
    case 6:
      return "a table";
    default:
      return "nothing";
  }
}

// "~" and "${NAME}"; a variable that is not set is named.
std::string expanded(const std::string& text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (at == 0 && text[0] == '~' && (text.size() == 1 || text[1] == '/')) {
      const char* home = std::getenv("HOME");
      out += home != nullptr ? home : "~";
    } else if (text.compare(at, 2, "${") == 0 && text.find('}', at) != std::string::npos) {
      const size_t end = text.find('}', at);
      const std::string name = text.substr(at + 2, end - at - 2);
      const char* value = std::getenv(name.c_str());
      if (value == nullptr) {
        throw ConfigError("the environment variable ", name,
                          " is not set; set it, for example  export ", name, "=/path/to/data");
      }
      out += value;
      at = end;
    } else {
      out += text[at];
    }
  }
  return out;
}

// Relative to the file it was written in.
fs::path resolved_path(const std::string& text, const Origin& origin) {
  const fs::path path = expanded(text);
  if (path.empty() || path.is_absolute()) return path;
  const fs::path base = origin.file.empty() || !origin.flag.empty()
                            ? fs::current_path()
                            : fs::absolute(origin.file).parent_path();
  return (base / path).lexically_normal();
}

bool read(const Node& node, bool& out) {
  if (const auto* value = std::get_if<bool>(&node.value)) return out = *value, true;
  return false;
}
bool read(const Node& node, int64_t& out) {
  if (const auto* value = std::get_if<int64_t>(&node.value)) return out = *value, true;
  return false;
}
bool read(const Node& node, double& out) {
  if (const auto* value = std::get_if<double>(&node.value)) return out = *value, true;
  if (const auto* value = std::get_if<int64_t>(&node.value))
    return out = static_cast<double>(*value), true;
  return false;
}
bool read(const Node& node, std::string& out) {
  if (const auto* value = std::get_if<std::string>(&node.value)) return out = *value, true;
  return false;
}
bool read(const Node& node, fs::path& out) {
  const auto* value = std::get_if<std::string>(&node.value);
  if (value == nullptr) return false;
  out = resolved_path(*value, node.origin);
  Node absolute;
  absolute.value = out.string();
  node.resolved = absolute.toml();
  return true;
}
bool read(const Node& node, Every& out) {
  if (const auto* steps = std::get_if<int64_t>(&node.value); steps != nullptr && *steps >= 0)
    return out = Every::steps(*steps), true;
  const auto* text = std::get_if<std::string>(&node.value);
  const auto every = text != nullptr ? Every::parse(*text) : std::nullopt;
  if (every) out = *every;
  return every.has_value();
}
template <class T>
bool read(const Node& node, std::vector<T>& out) {
  const auto* list = std::get_if<Node::List>(&node.value);
  if (list == nullptr) return false;
  std::vector<T> values(list->size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (!read((*list)[i], values[i])) return false;
  }
  out = std::move(values);
  return true;
}

// Parts are bound by whoever knows the plugins.
bool read(const Node&, AnySlot&) { return false; }

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What stands at "lora.rank": the entry `rank` of the table `lora`.
const Node* find_at(const Node& table, const std::string& path) {
  const size_t dot = path.find('.');
  const Node* found = table.find(path.substr(0, dot));
  if (found == nullptr || dot == std::string::npos) return found;
  return find_at(*found, path.substr(dot + 1));
}

bool is_table_of_options(const std::string& path, const std::vector<std::string>& known) {
  return std::any_of(known.begin(), known.end(),
                     [&](const std::string& key) { return key.starts_with(path + "."); });
}

// visit(path, entry): those of the table, and of the tables within it that options stand in, that
// nobody asked for. used: paths.
void for_unknown(const Node& table, const std::string& prefix, const std::vector<std::string>& used,
                 const std::vector<std::string>& known,
                 const std::function<void(const std::string&, const Node&)>& visit) {
  if (!table.is_table()) return;
  for (const auto& [key, child] : std::get<Node::Table>(table.value)) {
    const std::string path = prefix + key;
    if (contains(used, path)) continue;
    if (child.is_table() && is_table_of_options(path, known)) {
      for_unknown(child, path + ".", used, known, visit);
    } else {
      visit(path, child);
    }
  }
}

}  // namespace

std::vector<BoundOption> bind(Options& options, const Node& table, const std::string& what,
                              const std::vector<std::string>& others, const Document& document) {
  std::vector<BoundOption> bound;
  std::vector<std::string> known = others;
  for (const auto& field : options.fields()) known.push_back(field->facts().key);
  std::vector<std::string> used = others;
  for (const auto& field : options.fields()) {
    const Field::Facts& facts = field->facts();
    if (std::holds_alternative<AnySlot*>(field->target())) {
      used.push_back(facts.key);
      continue;
    }
    std::vector<std::string> names = facts.old_names;
    names.insert(names.begin(), facts.key);
    const Node* node = nullptr;
    for (const std::string& name : names) {
      if (const Node* found = find_at(table, name)) {
        node = found;
        used.push_back(name);
      }
    }
    BoundOption option{facts.key, "", "default", facts.in_key, node == nullptr, {}};
    if (node != nullptr) {
      option.origin = node->origin.text();
      try {
        const bool fits =
            std::visit([&](auto* value) { return read(*node, *value); }, field->target());
        const std::string complaint =
            fits ? field->complaint()
                 : "option '" + facts.key + "' is " + type_of(*node) + "; expected " + facts.type;
        if (!complaint.empty()) document.complain(node->origin, what + ": " + complaint);
      } catch (const ConfigError& error) {
        document.complain(node->origin, what + ": option '" + facts.key + "': " + error.what());
      }
    } else if (facts.is_required) {
      document.complain(table.origin,
                        what + ": option '" + facts.key + "' is missing (" + facts.help + ")");
    }
    option.value = field->value_text();
    if (facts.is_later && option.value == facts.default_text) option.in_key = false;
    if (const auto* path = std::get_if<fs::path*>(&field->target()); path && !facts.is_place)
      option.content = **path;
    if (const auto* text = std::get_if<std::string*>(&field->target())) {
      if (facts.is_recommender) option.recommender = **text;
      if (std::find(facts.needing_values.begin(), facts.needing_values.end(), **text) !=
          facts.needing_values.end())
        option.needed_kind = facts.needed_kind;
    }
    bound.push_back(std::move(option));
  }
  for_unknown(table, "", used, known, [&](const std::string& path, const Node& entry) {
    entry.consume_all();
    document.complain(entry.origin,
                      what + ": unknown option '" + path + "'" + suggest(path, known));
  });
  for (const auto& field : options.fields()) {
    for (const auto& check : field->facts().checks) {
      const Node* node = find_at(table, field->facts().key);
      if (const std::string complaint = check(); !complaint.empty()) {
        document.complain(node != nullptr ? node->origin : table.origin, what + ": " + complaint);
      }
    }
  }
  return bound;
}

}  // namespace tsrec::host
