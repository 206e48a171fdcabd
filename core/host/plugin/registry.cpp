#include "plugin/registry.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>

#include "config/entries.hpp"
#include "config/names.hpp"
#include "plugin/active_call.hpp"
#include "plugin/library.hpp"
#include "tsrec/boundary.hpp"
#include "tsrec/part_options.hpp"
#include "tsrec/suggest.hpp"

namespace tsrec::host {

PluginError::~PluginError() = default;

Registry::Registry(const std::vector<std::filesystem::path>& plugin_dirs,
                   const std::filesystem::path& experiment_folder)
    : search_(find_plugins(plugin_dirs, experiment_folder)) {}

void Registry::load_all() {
  for (const auto& file : search_.files) load(*file);
}

std::vector<std::pair<const PartInfo*, const PluginFile*>> Registry::parts(std::string_view kind) {
  std::vector<std::pair<const PartInfo*, const PluginFile*>> found;
  for (const auto& file : search_.files) {
    if (file->info == nullptr) continue;
    for (size_t i = 0; i < file->info->count; ++i) {
      if (kind.empty() || kind == file->info->parts[i].kind)
        found.emplace_back(&file->info->parts[i], file.get());
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::pair<std::string_view, std::string_view>(a.first->kind, a.first->name) <
           std::pair<std::string_view, std::string_view>(b.first->kind, b.first->name);
  });
  return found;
}

std::string Registry::searched() const {
  std::string text;
  for (const SearchPlace& place : search_.places) {
    text += (text.empty() ? "" : " | ") + place.folder.string() + " (" +
            (place.problem.empty() ? std::to_string(place.num_files) + " files" : place.problem) +
            ")";
  }
  return text;
}

std::pair<const PartInfo*, const PluginFile*> Registry::find(std::string_view kind,
                                                             std::string_view use,
                                                             const Origin& asked) {
  const size_t slash = use.find('/');
  const std::string_view plugin = slash == std::string_view::npos ? "" : use.substr(0, slash);
  const std::string_view name = slash == std::string_view::npos ? use : use.substr(slash + 1);
  std::string refusals;
  std::vector<std::string> known;
  std::vector<std::pair<const PartInfo*, const PluginFile*>> matches;
  for (const auto& file : search_.files) {
    // A run's own come first, and are what it was made with, whatever lies elsewhere today.
    if (!file->is_kept() && !matches.empty() && matches.front().second->is_kept()) break;
    // The installation sorts plugins by kind; elsewhere every file may hold anything.
    if (file->is_installed() && file->file.parent_path().filename() != kind) continue;
    load(*file);
    if (!file->refusal.empty()) refusals += "\n" + file->refusal;
    if (file->info == nullptr || (!plugin.empty() && plugin != file->info->name)) continue;
    for (size_t i = 0; i < file->info->count; ++i) {
      const PartInfo& part = file->info->parts[i];
      if (kind != part.kind) continue;
      known.emplace_back(part.name);
      if (name == part.name) matches.emplace_back(&part, file.get());
    }
  }
  if (matches.empty()) {
    const std::string sentence =
        c10::str("no ", kind, " is named '", use, "'", suggest(name, known), "\n  asked for in ",
                 asked.text(), "\n  searched: ", searched());
    if (refusals.empty()) throw ConfigError(sentence);
    throw PluginError(sentence, "\nplugins that cannot be used:", refusals);
  }
  if (matches.size() > 1) {
    const PluginFile &one = *matches[0].second, &other = *matches[1].second;
    const std::string first = one.info->name, second = other.info->name;
    throw PluginError(std::string(kind), " '", std::string(name), "' is offered by both ", first,
                      " ('", one.file.string(), "') and ", second, " ('", other.file.string(),
                      "')\n  asked for in ", asked.text(), "\n  ",
                      first == second
                          ? "both call themselves " + first + ": remove one of the files"
                          : c10::str("choose one:  use = \"", first, "/", name, "\"  or  use = \"",
                                     second, "/", name, "\""));
  }
  return matches.front();
}

void EntryKeys::declare(Options& o) {
  o.add("use", use).required().not_in_key().help("which part: its name, or plugin/name");
  o.add("name", name)
      .not_in_key()
      .help("what the entry is called in its list and in results; default: as `use`")
      .check([this] {
        return name.empty() || is_entry_name(name)
                   ? ""
                   : "name = \"" + name + "\" must consist of letters, digits, '_' and '-'";
      });
  o.add("enabled", enabled).not_in_key().help("false leaves the entry out");
  o.add("seed", seed)
      .at_least(-1)
      .not_in_key()  // it stands in the key as the stage's seed
      .help(
          "pins the randomness of the part's stage, so that runs with other seeds share it; "
          "-1: the run's");
}

void WeightKey::declare(Options& o) {
  o.add("weight", weight).range(-1e6, 1e6).help("of the part among the others of its list");
}

namespace {

// Keys of the table that are none of these.
std::vector<std::string> keys_beside(const Node& table, const std::vector<std::string>& these) {
  std::vector<std::string> keys;
  for (const auto& [key, child] : std::get<Node::Table>(table.value)) {
    if (std::find(these.begin(), these.end(), key) == these.end()) keys.push_back(key);
  }
  return keys;
}

void refuse_shared_keys(const PartChoice& choice, const std::vector<std::string>& own,
                        const std::vector<std::string>& host) {
  for (const std::string& path : own) {
    const std::string key = path.substr(0, path.find('.'));
    if (std::find(host.begin(), host.end(), key) != host.end())
      throw PluginError(choice.described(), " has an option '", key,
                        "', which is the host's in this table; its author must give it another "
                        "name");
  }
}

// Before anything is bound: the values are the defaults.
void refuse_unsound_options(const PartChoice& choice, const Options& own) {
  try {
    boundary::check_options(own);
  } catch (const BrokenPart& broken) {
    throw PluginError(choice.described(), ": ", broken.what(), "; its author must mend it");
  }
}

}  // namespace

PartChoice Registry::choose(std::string_view kind, const Node& table, const Document& document,
                            Options host) {
  PartChoice choice;
  choice.kind = kind;
  choice.origin = table.origin;
  const Node* use = table.find("use");
  if (use == nullptr || !std::holds_alternative<std::string>(use->value)) {
    document.complain(table.origin,
                      "[" + std::string(kind) + "] needs a  use = \"...\"  that names the part");
    if (table.is_table()) {
      for (const auto& [key, child] : std::get<Node::Table>(table.value)) child.consumed = true;
    }
    return choice;
  }
  choice.use = std::get<std::string>(use->value);
  choice.name = name_of(table);
  std::tie(choice.info, choice.plugin) = find(kind, choice.use, use->origin);
  auto [settings, own] = PartOptions(*choice.info);
  choice.settings = std::move(settings);
  EntryKeys entry;
  entry.declare(host);
  const std::vector<std::string> host_keys = host.keys();
  refuse_shared_keys(choice, own.keys(), host_keys);
  refuse_unsound_options(choice, own);
  const std::string what = choice.kind + " '" + choice.use + "'";
  choice.options = host::bind(own, table, what, host_keys, document);
  choice.host_options = host::bind(host, table, what, keys_beside(table, host_keys), document);
  if (entry.seed >= 0) choice.seed = entry.seed;
  for (const Options* options : {&own, &host}) {
    for (const auto& field : options->fields()) {
      if (auto* slot = std::get_if<AnySlot*>(&field->target()))
        fill(*field, **slot, table, choice, document);
    }
  }
  return choice;
}

void Registry::fill(const Field& field, AnySlot& slot, const Node& table, PartChoice& owner,
                    const Document& document) {
  const std::string& key = field.facts().key;
  const std::string what = owner.kind + " '" + owner.use + "': option '" + key + "'";
  const Node* node = table.find(key);
  if (node != nullptr && !slot.is_list() && !node->is_table()) {
    document.complain(node->origin,
                      what + " is one " + slot.kind() + ", such as { use = \"...\" }");
    return;
  }
  for (const Node* entry : entries_of(node, what, document)) {
    if (!is_enabled(*entry, document)) continue;
    WeightKey key_of_list;
    Options host;
    if (field.facts().is_weighted) key_of_list.declare(host);
    const PartChoice choice = choose(slot.kind(), *entry, document, std::move(host));
    if (choice.info == nullptr) continue;  // complained about
    if (choice.seed)
      document.complain(entry->origin, what + ": a seed pins a stage, and this part is within one");
    slot.entries.push_back(
        {choice.name,
         [choice](Context& context) { return choice.make(choice.info->kind, context); },
         key_of_list.weight});
    owner.parts.push_back({slot.is_list() ? key + "." + choice.name : key, choice});
  }
  if (slot.entries.empty() && field.facts().is_required)
    document.complain(table.origin, what + " is missing (" + field.facts().help + ")");
}

std::string key_lines(const std::string& word, const std::string& path,
                      const std::vector<BoundOption>& options, const ContentLines& content) {
  std::string text;
  for (const BoundOption& option : options) {
    if (!option.in_key) continue;
    text += option.content.empty() ? word + path + option.key + " = " + option.value + "\n"
                                   : content(path + option.key, option.content);
  }
  return text;
}

std::string PartChoice::key_text(const ContentLines& content, const std::string& below) const {
  const std::string path = below.empty() ? "" : below + ".";
  std::string text = c10::str(below.empty() ? "part " : "option " + below + " = ", kind, "/",
                              info->name, " of ", plugin->info->name, " contract ", info->contract,
                              " revision ", info->revision, "\n");
  if (!plugin->is_installed() && std::string_view(plugin->info->version).starts_with("0."))
    text += content(path + "plugin", plugin->file);
  text += key_lines("option ", path, options, content);
  text += key_lines("option ", path, host_options, content);
  for (const OwnedPart& owned : parts) text += owned.choice.key_text(content, path + owned.path);
  return text;
}

std::string PartChoice::described() const {
  return c10::str(kind, " '", use, "' (", plugin->info->name, " ", plugin->info->version,
                  plugin->is_installed() ? "" : ", " + plugin->source.string(), ")");
}

std::set<std::string> PartChoice::needed_kinds() const {
  std::istringstream always(info->needs);
  std::set<std::string> needed(std::istream_iterator<std::string>(always), {});
  for (const BoundOption& option : options) {
    if (!option.needed_kind.empty()) needed.insert(option.needed_kind);
  }
  return needed;
}

bool PartChoice::needs(std::string_view wanted) const {
  if (needed_kinds().contains(std::string(wanted))) return true;
  return std::any_of(parts.begin(), parts.end(),
                     [&](const OwnedPart& owned) { return owned.choice.needs(wanted); });
}

std::set<std::string> PartChoice::recommenders() const {
  std::set<std::string> named;
  for (const BoundOption& option : options) {
    if (!option.recommender.empty()) named.insert(option.recommender);
  }
  for (const OwnedPart& owned : parts) named.merge(owned.choice.recommenders());
  return named;
}

namespace {

Identity identity_of(const PartChoice& choice) {
  std::string unusual;
  for (const BoundOption& option : choice.options) {
    if (option.is_default) continue;
    unusual += (unusual.empty() ? "" : ", ") + option.key + " = " + option.value + " (" +
               option.origin + ")";
  }
  return std::make_shared<const PartIdentity>(PartIdentity{choice.described(), std::move(unusual)});
}

}  // namespace

std::shared_ptr<Part> make_guarded(const PartInfo& info, const void* settings,
                                   const Identity& identity, Context& context) {
  const auto destroy = [identity, destroy = info.destroy](Part* made) {
    const ActiveCall active(identity->described.c_str(), "its destructor");
    destroy(made);
  };
  Part* made = in_call(identity, "its constructor", [&] { return info.make(settings, context); });
  return named_kind(info.kind).guard(std::shared_ptr<Part>(made, destroy), identity);
}

std::shared_ptr<Part> PartChoice::make(const char* expected_kind, Context& context) const {
  if (info == nullptr || kind != expected_kind) throw Error("'", use, "' is no ", expected_kind);
  return make_guarded(*info, settings.get(), identity_of(*this), context);
}

}  // namespace tsrec::host
