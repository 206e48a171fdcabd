// Runs keep the plugins from outside the installation that they used, as they were.
#pragma once

#include "pipeline/store.hpp"
#include "plugin/registry.hpp"

namespace tsrec::host {

// Puts them into plugins/ of the run's folder, where the registry looks first: `recommend`, and
// whoever runs it once more, find what the run was made with, whatever became of the files since.
// The store has one copy of each content, plugins/<SHA-256>/NAME.so, to which runs hold hard links;
// none leads to the file itself, because a build may write into that. Libraries that a plugin found
// in its own folder are kept beside it, and so is the name of the file, for messages.
TSREC_HOST_API void keep_plugins(const Registry& registry, const Store& store,
                                 const std::filesystem::path& run_folder);

}  // namespace tsrec::host
