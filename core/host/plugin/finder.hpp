// Where plugins are looked for, and the files that lie there. Nothing is loaded.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "support/api.hpp"
#include "tsrec/plugin.hpp"

namespace tsrec::host {

struct SearchPlace {
  // "kept by the run", "--plugins", "TSREC_PLUGIN_PATH", "beside the experiment", "installed"
  std::string origin;
  std::filesystem::path folder;
  std::string problem;  // "does not exist", "cannot be read: ..."; "" when it was searched
  int64_t num_files = 0;
};

struct PluginFile {
  std::filesystem::path file;
  std::filesystem::path source;      // what a run's own is a copy of; else the file itself
  std::string origin;                // of its place
  std::string refusal;               // "" when it can be used, else the sentence that says why not
  const PluginInfo* info = nullptr;  // once loaded
  bool is_installed() const { return origin == "installed"; }
  bool is_kept() const { return origin == "kept by the run"; }
};

struct PluginSearch {
  std::vector<SearchPlace> places;
  std::vector<std::shared_ptr<PluginFile>> files;  // in the order of the places, then by name
};

// In this order: plugins/ in a run's folder, --plugins DIR, TSREC_PLUGIN_PATH, plugins/ beside the
// experiment (empty: none), <prefix>/lib/tsrec/plugins/<kind>. A file that two places lead to
// counts once.
TSREC_HOST_API PluginSearch find_plugins(const std::vector<std::filesystem::path>& flags,
                                         const std::filesystem::path& experiment_folder);

// Beside a plugin that a run has kept: what it is a copy of.
inline constexpr const char* kSourceFile = "source.txt";

// <prefix>/lib/tsrec/plugins, seen from <prefix>/lib/libtsrec_host.so.
TSREC_HOST_API std::filesystem::path installed_plugins();

}  // namespace tsrec::host
