// The handshake with a plugin file: facts, loading, part table, contracts.
#pragma once

#include "plugin/finder.hpp"

namespace tsrec::host {

// Fills file.info, or file.refusal with the sentence that says what is wrong and what to do. Once
// for each file. Loaded plugins are never unloaded.
void load(PluginFile& file);

}  // namespace tsrec::host
