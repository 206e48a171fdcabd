// Which stored model answers, and what it needs.
#pragma once

#include "pipeline/loaded_model.hpp"
#include "pipeline/runner.hpp"

namespace tsrec::host {

// The model of the stage `of` (empty: the last one) with all that it was trained with. Throws
// ConfigError: no such stage, or something of it is not stored.
ModelFolders folders_of(const Experiment& experiment, const Store& store, const std::string& of);

}  // namespace tsrec::host
