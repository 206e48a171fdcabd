#include "plugin/registry.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <boost/dll/runtime_symbol_info.hpp>
#include <boost/dll/shared_library.hpp>
#include <cstdlib>
#include <set>

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

constexpr int kKnownContract = 1;  // of every kind so far

// <prefix>/lib/tsrec/plugins, seen from <prefix>/lib/libtsrec_host.so.
fs::path installed_folder() {
  return fs::path(boost::dll::this_line_location().string()).parent_path() / "tsrec" / "plugins";
}

std::vector<fs::path> plugin_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (auto at = fs::recursive_directory_iterator(
           folder, fs::directory_options::skip_permission_denied, ignored);
       at != fs::recursive_directory_iterator(); at.increment(ignored)) {
    if (ignored) break;
    if (at->path().extension() == ".so") files.push_back(at->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

PluginError::~PluginError() = default;

const std::vector<std::string>& part_kinds() {
  static const std::vector<std::string> kinds = {"source",    "encoder",  "quantizer",   "resolver",
                                                 "extractor", "backbone", "initializer", "task",
                                                 "trainer",   "reward",   "recommender", "metric"};
  return kinds;
}

Registry::Registry(const std::vector<fs::path>& plugin_dirs, const fs::path& experiment_folder) {
  for (const fs::path& dir : plugin_dirs) places_.push_back({"--plugins", dir, false, 0});
  if (const char* path = std::getenv("TSREC_PLUGIN_PATH")) {
    std::string rest = path;
    for (size_t colon = 0; !rest.empty();
         rest = colon == std::string::npos ? "" : rest.substr(colon + 1)) {
      colon = rest.find(':');
      if (colon != 0) places_.push_back({"TSREC_PLUGIN_PATH", rest.substr(0, colon), false, 0});
    }
  }
  if (!experiment_folder.empty())
    places_.push_back({"beside the experiment", experiment_folder / "plugins", false, 0});
  places_.push_back({"installed", installed_folder(), false, 0});
  std::set<fs::path> seen;
  for (SearchPlace& place : places_) {
    place.exists = fs::is_directory(place.folder);
    if (!place.exists) continue;
    for (const fs::path& file : plugin_files(place.folder)) {
      if (!seen.insert(fs::weakly_canonical(file)).second) continue;
      auto found = std::make_shared<PluginFile>();
      found->file = file;
      found->origin = place.origin;
      files_.push_back(std::move(found));
      ++place.num_files;
    }
  }
}

void Registry::load(PluginFile& file) {
  if (file.info != nullptr || !file.refusal.empty()) return;
  file.refusal = fs::is_regular_file(file.file) ? compare_facts(file.file, read_facts(file.file))
                                                : "'" + file.file.string() + "' is no file";
  if (!file.refusal.empty()) return;
  // Loaded once and never unloaded: threads, registered types and objects of the plugin may outlive
  // any owner.
  auto* library = new boost::dll::shared_library;
  boost::dll::fs::error_code failed;
  library->load(file.file, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local,
                failed);
  if (failed) {
    const char* reason = dlerror();
    file.refusal = "'" + file.file.string() +
                   "' cannot be loaded: " + (reason != nullptr ? reason : failed.message());
    delete library;
    return;
  }
  if (!library->has("tsrec_plugin")) {
    file.refusal = "'" + file.file.string() +
                   "' has no entry 'tsrec_plugin'; end its source with TSREC_PLUGIN(...)";
    return;
  }
  const PluginInfo* info = library->get<const PluginInfo*() noexcept>("tsrec_plugin")();
  if (info == nullptr || info->parts == nullptr || info->count == 0) {
    file.refusal = "'" + file.file.string() + "' offers no parts";
  } else if (info->size != sizeof(PluginInfo)) {
    file.refusal = "'" + file.file.string() +
                   "' has a part table of another size; build it again against this tsrec";
  } else {
    for (size_t i = 0; i < info->count && file.refusal.empty(); ++i) {
      const auto& kinds = part_kinds();
      if (std::find(kinds.begin(), kinds.end(), info->parts[i].kind) == kinds.end()) {
        file.refusal = "'" + file.file.string() + "' offers the part '" + info->parts[i].name +
                       "' of the unknown kind '" + info->parts[i].kind + "'";
      } else if (info->parts[i].contract != kKnownContract) {
        file.refusal = "'" + file.file.string() + "' offers '" + info->parts[i].name +
                       "' for contract " + std::to_string(info->parts[i].contract) + " of '" +
                       info->parts[i].kind + "'; this tsrec has " + std::to_string(kKnownContract);
      }
    }
    if (file.refusal.empty()) file.info = info;
  }
}

void Registry::load_all() {
  for (const auto& file : files_) load(*file);
}

std::vector<std::pair<const PartInfo*, const PluginFile*>> Registry::parts(std::string_view kind) {
  std::vector<std::pair<const PartInfo*, const PluginFile*>> found;
  for (const auto& file : files_) {
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

std::pair<const PartInfo*, const PluginFile*> Registry::find(std::string_view kind,
                                                             std::string_view use,
                                                             const Origin& asked) {
  const size_t slash = use.find('/');
  const std::string_view plugin = slash == std::string_view::npos ? "" : use.substr(0, slash);
  const std::string_view name = slash == std::string_view::npos ? use : use.substr(slash + 1);
  std::string refusals;
  std::vector<std::string> known;
  std::vector<std::pair<const PartInfo*, const PluginFile*>> matches;
  for (const auto& file : files_) {
    // Our own tree and the installed one sort plugins by kind; elsewhere every file may hold
    // anything.
    const bool is_other_kind =
        file->origin == "installed" && file->file.parent_path().filename() != kind;
    if (is_other_kind) continue;
    load(*file);
    if (!file->refusal.empty()) refusals += "\n  " + file->refusal;
    if (file->info == nullptr || (!plugin.empty() && plugin != file->info->name)) continue;
    for (size_t i = 0; i < file->info->count; ++i) {
      const PartInfo& part = file->info->parts[i];
      if (kind != part.kind) continue;
      known.emplace_back(part.name);
      if (name == part.name) matches.emplace_back(&part, file.get());
    }
  }
  if (matches.empty()) {
    throw PluginError(asked.text(), ": no plugin offers the ", std::string(kind), " '",
                      std::string(use), "'", suggest(name, known),
                      refusals.empty() ? "" : "; plugins that could not be used:" + refusals);
  }
  const bool is_ambiguous =
      matches.size() > 1 && matches[0].second->origin == matches[1].second->origin;
  if (is_ambiguous) {
    throw PluginError(asked.text(), ": both '", matches[0].second->file.string(), "' and '",
                      matches[1].second->file.string(), "' offer the ", std::string(kind), " '",
                      std::string(use), "'; name one, such as use = \"",
                      matches[0].second->info->name, "/", std::string(name), "\"");
  }
  return matches.front();
}

PartChoice Registry::choose(std::string_view kind, const Node& table,
                            const std::vector<std::string>& host_keys, const Document& document) {
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
  choice.name = choice.use;
  std::tie(choice.info, choice.plugin) = find(kind, choice.use, use->origin);
  choice.settings =
      std::shared_ptr<void>(choice.info->new_settings(), choice.info->delete_settings);
  Options options;
  choice.info->declare(choice.settings.get(), options);
  std::vector<std::string> keys = host_keys;
  keys.emplace_back("use");
  keys.emplace_back("name");
  keys.emplace_back("enabled");
  keys.emplace_back("seed");
  if (const Node* name = table.find("name");
      name != nullptr && std::holds_alternative<std::string>(name->value)) {
    choice.name = std::get<std::string>(name->value);
  }
  if (const Node* seed = table.find("seed")) {
    const auto* value = std::get_if<int64_t>(&seed->value);
    if (value != nullptr && *value >= 0) {
      choice.seed = *value;
    } else {
      document.complain(seed->origin, "seed must be a whole number, 0 or more");
    }
  }
  choice.options =
      host::bind(options, table, choice.kind + " '" + choice.use + "'", keys, document);
  return choice;
}

std::string PartChoice::key_text() const {
  std::string text = "part " + kind + "/" + use + " contract " + std::to_string(info->contract) +
                     " revision " + std::to_string(info->revision) + "\n";
  for (const BoundOption& option : options) {
    if (option.in_key) text += "option " + option.key + " = " + option.value + "\n";
  }
  return text;
}

std::shared_ptr<Part> PartChoice::make_part(const char* expected_kind, Context& context) const {
  if (info == nullptr || kind != expected_kind) throw Error("'", use, "' is no ", expected_kind);
  return {info->make(settings.get(), context), info->destroy};
}

}  // namespace tsrec::host
