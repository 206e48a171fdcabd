#include "config/document.hpp"

#include <algorithm>

#include "config/names.hpp"
#include "config/toml_reader.hpp"
#include "support/installation.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> texts_of(const Node& node, const char* what) {
  if (const auto* text = std::get_if<std::string>(&node.value)) return {*text};
  std::vector<std::string> texts;
  if (const auto* list = std::get_if<Node::List>(&node.value)) {
    for (const Node& entry : *list) {
      if (const auto* text = std::get_if<std::string>(&entry.value)) texts.push_back(*text);
    }
    if (texts.size() == list->size()) return texts;
  }
  throw ConfigError(node.origin.text(), ": ", what, " must be a string or a list of strings");
}

// "tsrec:configs/data/synthetic.toml" lies in the installation, wherever that is; other paths are
// relative to the folder of the file that names them.
fs::path located(const fs::path& named, const fs::path& folder) {
  const std::string text = named.string();
  constexpr std::string_view kInstalled = "tsrec:";
  return text.starts_with(kInstalled) ? share_folder() / text.substr(kInstalled.size())
                                      : folder / named;
}

// A file with everything it includes: includes first, in order, then its own values.
Node load_file(const fs::path& file, std::vector<fs::path>& open) {
  const fs::path real = fs::weakly_canonical(file);
  if (std::find(open.begin(), open.end(), real) != open.end()) {
    throw ConfigError("'", file.string(), "' includes itself, by way of '", open.back().string(),
                      "'");
  }
  open.push_back(real);
  Node own = read_toml(file.lexically_normal());
  refuse_twins(own);
  Node merged;
  merged.value = Node::Table{};
  if (const Node* includes = own.find("include")) {
    for (const std::string& include : texts_of(*includes, "include")) {
      const fs::path included = located(include, file.parent_path());
      if (!fs::exists(included)) {
        throw ConfigError(includes->origin.text(), ": there is no file '",
                          included.lexically_normal().string(), "' to include");
      }
      merged.merge(load_file(included, open));
    }
    own.erase("include");
  }
  merged.merge(own);
  merged.origin = own.origin;
  open.pop_back();
  return merged;
}

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts = {""};
  for (const char c : path) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

// stage.sft.epochs = 3 as a tree of tables; lists are entered by the name of their entry.
void set_path(Node& root, const std::string& path, const Node& value) {
  refuse_twins(value, path);
  const std::vector<std::string> parts = parts_of(path);
  Node* at = &root;
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    if (is_named_list(*at)) {
      auto& list = std::get<Node::List>(at->value);
      const auto entry = std::find_if(list.begin(), list.end(),
                                      [&](const Node& node) { return name_of(node) == parts[i]; });
      if (entry == list.end()) {
        std::vector<std::string> names;
        for (const Node& node : list) names.push_back(name_of(node));
        throw ConfigError(value.origin.text(), " ", path, ": there is no entry '", parts[i], "'",
                          suggest(parts[i], names));
      }
      at = &*entry;
      continue;
    }
    if (!at->is_table())
      throw ConfigError(value.origin.text(), " ", path, ": '", parts[i],
                        "' lies inside a plain value");
    auto& table = std::get<Node::Table>(at->value);
    const auto child = std::find_if(table.begin(), table.end(),
                                    [&](const auto& entry) { return entry.first == parts[i]; });
    if (child != table.end()) {
      at = &child->second;
    } else {
      Node fresh;
      fresh.value = Node::Table{};
      fresh.origin = value.origin;
      at = &at->set(parts[i], std::move(fresh));
    }
  }
  if (!at->is_table()) {
    throw ConfigError(value.origin.text(), " ", path,
                      ": name an entry of the list and then an option, such as stage.sft.epochs");
  }
  Node layer;
  layer.value = Node::Table{};
  layer.origin = value.origin;
  layer.set(parts.back(), value);
  at->merge(layer);
}

fs::path file_in(const fs::path& named) {
  const fs::path place = located(named, "");
  return fs::is_directory(place) ? place / "experiment.toml" : place;
}

fs::path experiment_file(const fs::path& named) {
  const fs::path file = file_in(named);
  if (!fs::exists(file))
    throw ConfigError("there is no experiment '", file.string(),
                      "'; name a .toml file, a folder with an experiment.toml, or a run: its "
                      "folder, or its name in the store");
  return file;
}

fs::path file_on_top(const fs::path& named) {
  const fs::path file = file_in(named);
  if (!fs::exists(file))
    throw ConfigError("--with ", named.string(), ": there is no file '", file.string(),
                      "'; name a .toml file");
  return file;
}

// known: what may stand at the top; below, it is what somebody asked for.
void complain_below(const Node& node, const std::string& path, std::vector<std::string> known,
                    const Document& document) {
  if (const auto* list = std::get_if<Node::List>(&node.value)) {
    for (const Node& entry : *list) complain_below(entry, path, {}, document);
  }
  if (!node.is_table()) return;
  for (const auto& [key, child] : std::get<Node::Table>(node.value)) {
    if (child.consumed && !path.empty()) known.push_back(key);
  }
  for (const auto& [key, child] : std::get<Node::Table>(node.value)) {
    const std::string name = path.empty() ? key : path + "." + key;
    if (child.consumed) {
      complain_below(child, name, {}, document);
    } else {
      document.complain(child.origin,
                        "nothing is called '" + name + "' here" + suggest(key, known));
    }
  }
}

}  // namespace

Document Document::load(const DocumentRequest& request) {
  Document document;
  document.file_ = experiment_file(request.file);
  std::vector<fs::path> open;
  document.root_ = load_file(document.file_, open);
  for (const fs::path& file : request.with)
    document.root_.merge(load_file(file_on_top(file), open));
  for (const auto& [path, value] : request.overrides) {
    if (path != "include") continue;
    for (const std::string& file : texts_of(value, "include"))
      document.root_.merge(
          load_file(experiment_file(located(file, document.file_.parent_path())), open));
  }
  for (const auto& [path, value] : request.overrides) {
    if (path == "include") continue;
    Node node = value;
    node.origin.flag = request.overrides_flag;
    set_path(document.root_, path, node);
  }
  for (const std::string& assignment : request.set) {
    const size_t equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw ConfigError("--set ", assignment,
                        ": expected a path, '=' and a value, such as --set quantizer.codes=128");
    }
    Origin origin;
    origin.flag = "--set";
    set_path(document.root_, assignment.substr(0, equals),
             parse_value(assignment.substr(equals + 1), origin));
  }
  return document;
}

std::string Document::name() const {
  if (const Node* run = root_.find("run")) {
    if (const Node* name = run->find("name");
        name != nullptr && std::holds_alternative<std::string>(name->value)) {
      return std::get<std::string>(name->value);
    }
  }
  const fs::path folder = fs::absolute(file_).parent_path().filename();
  return file_.filename() == "experiment.toml" ? folder.string() : file_.stem().string();
}

std::string Document::resolved_toml() const { return root_.toml(); }

void Document::complain(const Origin& where, const std::string& sentence) const {
  complaints_.push_back(where.text() + ": " + sentence);
}

void Document::complain_about_leftovers(const std::vector<std::string>& tables) const {
  complain_below(root_, "", tables, *this);
}

void Document::throw_if_any() const {
  if (complaints_.empty()) return;
  std::string all;
  for (const std::string& complaint : complaints_) all += (all.empty() ? "" : "\n") + complaint;
  throw ConfigError(all);
}

}  // namespace tsrec::host
