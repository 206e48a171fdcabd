// Which stored model answers, and what it needs.
#pragma once

#include "pipeline/loaded_model.hpp"
#include "pipeline/pipeline.hpp"

namespace tsrec::host::serving {

// The model of the training stage `of` (empty: the last one) among these stages, planned or
// recorded, with all that it was trained with. named: what the stages were read from, for the
// refusals. Throws ConfigError: no such stage, or something of it is not stored.
TSREC_HOST_API ModelFolders stored_model(const std::vector<StageResult>& stages,
                                         const std::string& of, const std::string& named);

// What the stage `id` among these stored. Throws ConfigError, which says why it is not there.
TSREC_HOST_API std::filesystem::path stored_folder(const std::vector<StageResult>& stages,
                                                   const StageId& id, const std::string& named);

}  // namespace tsrec::host::serving
