// Shell completion: a short script for the shell, which asks `tsrec complete LINE` for the rest.
#include <algorithm>
#include <iostream>
#include <set>
#include <span>
#include <sstream>

#include "commands/command_table.hpp"
#include "commands/open.hpp"
#include "config/names.hpp"
#include "pipeline/host_keys.hpp"
#include "pipeline/settings.hpp"
#include "plugin/registry.hpp"
#include "support/installation.hpp"
#include "tsrec/io/files.hpp"
#include "tsrec/part_options.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;

// The words of a line; the last one is being typed, and empty behind a blank.
Words words_of(const std::string& line) {
  Words words;
  std::istringstream in(line);
  for (std::string word; in >> word;) words.push_back(word);
  if (line.empty() || line.back() == ' ') words.emplace_back();
  return words;
}

// What `path` may be set to by --set: "quantizer.codes" with the option behind it.
struct Settable {
  std::string path;
  Words values;  // its names, if it has a closed set of them
};

void add_fields(const std::string& prefix, const Options& options, std::vector<Settable>& all) {
  for (const auto& field : options.fields()) {
    if (std::holds_alternative<AnySlot*>(field->target())) continue;  // a table of its own
    Words values = field->facts().names;
    if (field->facts().type == "bool") values = {"true", "false"};
    all.push_back({prefix + field->facts().key, values});
  }
}

// The part's own, and the host's in the same table.
void add_options(const std::string& prefix, const PartInfo& part, std::vector<Settable>& all) {
  add_fields(prefix, PartOptions(part).options, all);
  for (const HostTable& table : host_tables_of(*find_kind(part.kind)))
    add_fields(prefix, table.options, all);
}

Words names_of(Registry& registry, const std::string& kind) {
  std::set<std::string> names;
  for (const auto& [part, file] : registry.parts(kind)) names.insert(part->name);
  return {names.begin(), names.end()};
}

// All parts of the kind that stand where `path` leads from this node; entries of a list are reached
// by their names.
void add_kind(const std::string& kind, const std::string& prefix, const Node& node,
              std::span<const std::string> path, Registry& registry, std::vector<Settable>& all);

// The options that are parts themselves.
void add_owned(const std::string& prefix, const Options& options, const Node& table,
               Registry& registry, std::vector<Settable>& all) {
  for (const auto& field : options.fields()) {
    const auto* slot = std::get_if<AnySlot*>(&field->target());
    const Node* node = slot != nullptr ? table.find(field->facts().key) : nullptr;
    if (node == nullptr) continue;
    const std::string below = prefix + field->facts().key + ".";
    add_kind((*slot)->kind(), below, *node, {}, registry, all);
  }
}

// A part's table of the document: where its options are reached, and which they are.
void add_table(const std::string& kind, const std::string& prefix, const Node& table,
               Registry& registry, std::vector<Settable>& all) {
  const Node* use = table.find("use");
  if (use == nullptr || !std::holds_alternative<std::string>(use->value)) return;
  all.push_back({prefix + "use", names_of(registry, kind)});
  try {
    const PartInfo& part =
        *registry.find(kind, std::get<std::string>(use->value), use->origin).first;
    add_options(prefix, part, all);
    add_owned(prefix, PartOptions(part).options, table, registry, all);
    for (const HostTable& host : host_tables_of(*find_kind(kind)))
      add_owned(prefix, host.options, table, registry, all);
  } catch (const Error&) {  // a part that is not there has no options
  }
}

void add_kind(const std::string& kind, const std::string& prefix, const Node& node,
              std::span<const std::string> path, Registry& registry, std::vector<Settable>& all) {
  if (node.is_list()) {
    for (const Node& entry : std::get<Node::List>(node.value)) {
      if (const std::string name = name_of(entry); !name.empty())
        add_kind(kind, prefix + name + ".", entry, path, registry, all);
    }
  } else if (path.empty()) {
    add_table(kind, prefix, node, registry, all);
  } else if (const Node* child = node.find(path.front())) {
    add_kind(kind, prefix + path.front() + ".", *child, path.subspan(1), registry, all);
  }
}

// Whether parts of the kind stand in the tables of another kind, whose options they are.
bool is_owned(const Kind& kind) {
  const std::string outer = kind.path_parts().front();
  return std::any_of(kinds().begin(), kinds().end(),
                     [&](const Kind& other) { return &other != &kind && other.path == outer; });
}

// All paths of the experiment, or, without one, of every part that stands alone in its kind's
// table.
std::vector<Settable> settable(const fs::path& experiment, Registry& registry) {
  std::vector<Settable> all;
  for (const HostTable& table : host_tables()) {
    if (table.name == "[run]") add_fields("run.", table.options, all);
    if (table.name == "[audit]") add_fields("audit.", table.options, all);
    if (table.name == "[evaluate]") add_fields("evaluate.", table.options, all);
    if (table.name == "[report]") add_fields("report.", table.options, all);
    if (table.name == "[tune]") add_fields("tune.", table.options, all);
  }
  if (experiment.empty()) {
    for (const Kind& kind : kinds()) {
      if (kind.is_list) continue;
      const std::string prefix = std::string(kind.path) + ".";
      all.push_back({prefix + "use", names_of(registry, kind.name)});
      for (const auto& [part, file] : registry.parts(kind.name)) add_options(prefix, *part, all);
    }
    return all;
  }
  DocumentRequest request;
  request.file = experiment;
  const Document document = Document::load(request);
  for (const Kind& kind : kinds()) {
    if (!is_owned(kind)) add_kind(kind.name, "", document.root(), kind.path_parts(), registry, all);
  }
  return all;
}

Words set_candidates(const std::string& word, const fs::path& experiment, Registry& registry) {
  Words found;
  const size_t equals = word.find('=');
  for (const Settable& option : settable(experiment, registry)) {
    if (equals == std::string::npos) {
      found.push_back(option.path + "=");
    } else if (option.path == word.substr(0, equals)) {
      for (const std::string& value : option.values) found.push_back(option.path + "=" + value);
    }
  }
  return found;
}

fs::path experiment_among(const Words& words) {
  for (size_t i = 2; i + 1 < words.size(); ++i) {
    if (fs::exists(fs::path(words[i]) / "experiment.toml") || words[i].ends_with(".toml"))
      return words[i];
  }
  return {};
}

Words runs_of(const fs::path& store) {
  Words names;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(store / "runs", failed))
    names.push_back(entry.path().filename().string());
  return names;
}

Words flags_of(const Command& command) {
  Words names = {"--help"};
  for (const Flag* flag : command.flags) names.push_back(std::string("--") + flag->name);
  return names;
}

// The flag of the command that `word` is; null where it is none.
const Flag* flag_of(const Command& command, const std::string& word) {
  return word.starts_with("--") ? command.flag(word.substr(2)) : nullptr;
}

// words: the line from "tsrec" up to the cursor; the last one is being typed.
Words candidates(const Words& words, const Arguments& arguments) {
  if (words.size() < 2) return {};
  if (words.size() == 2)
    return words.back().starts_with("-") ? Words{"--help", "--version"} : command_names();
  const Command& command = command_named(words[1]);
  const std::string& last = words.back();
  const Flag* before = flag_of(command, words[words.size() - 2]);
  if (before == &flags::kSet) {
    const fs::path experiment = experiment_among(words);
    Registry registry(arguments.plugins, experiment.empty() ? fs::path() : folder_of(experiment));
    registry.load_all();
    return set_candidates(last, experiment, registry);
  }
  if (before != nullptr && before->has_value() && !before->may_lack_value())
    return {};  // files, and whatever the shell knows
  if (last.starts_with("-")) return flags_of(command);
  const std::string& name = command.name;
  if (name == "help" && words.size() == 3) return command_names();
  if (name == "list" && words.size() == 3) return kind_names();
  if (name == "describe" && words.size() == 3) {
    Words kinds = kind_names();
    kinds.emplace_back("host");
    return kinds;
  }
  if (name == "describe" && words.size() == 4) {
    Registry registry(arguments.plugins, arguments.experiment);
    registry.load_all();
    return names_of(registry, words[2]);
  }
  if (name == "new" && words.size() == 3) return {"plugin"};
  if (name == "new" && words.size() == 4) return kind_names();
  if (name == "completion" && words.size() == 3) return {"bash", "zsh"};
  if (is_among(name,
               {"recommend", "export", "export-data", "rows", "report", "compare", "export-run"}))
    return runs_of(arguments.store);
  return {};
}

}  // namespace

int command_completion(const Arguments& arguments) {
  const std::string shell = arguments.words.size() == 1 ? arguments.words.front() : "";
  if (shell != "bash" && shell != "zsh")
    throw ConfigError("completion needs the name of a shell: bash or zsh");
  std::cout << io::read_text(share_folder() / "completion" / ("tsrec." + shell));
  return kFine;
}

int command_complete(const Arguments& arguments) {
  if (arguments.words.size() != 1) throw ConfigError("complete needs one line");
  const Words words = words_of(arguments.words.front());
  std::set<std::string> fitting;
  for (const std::string& candidate : candidates(words, arguments)) {
    if (candidate.starts_with(words.back())) fitting.insert(candidate);
  }
  for (const std::string& candidate : fitting) std::cout << candidate << '\n';
  return kFine;
}

}  // namespace tsrec::host
