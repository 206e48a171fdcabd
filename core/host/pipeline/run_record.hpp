// Which artefacts a run made or used: stages.json in its folder. Whoever asks the run later finds
// them by their keys, whatever became of the files and plugins that they were made from.
#pragma once

#include "pipeline/pipeline.hpp"
#include "pipeline/store.hpp"

namespace tsrec::host {

const char* name_of(StageResult::State state);  // "stored", "ran", "failed", "not run"

TSREC_HOST_API void write_run_record(const std::vector<StageResult>& stages,
                                     const std::filesystem::path& run_folder);

// The stages as they lie in the store now. One whose artefact is gone, or was made anew with other
// bytes, has the state not_run, and says so in `why`; one that failed then, the state failed.
// Throws ConfigError where there is no record.
TSREC_HOST_API std::vector<StageResult> read_run_record(const std::filesystem::path& run_folder,
                                                        const Store& store);

}  // namespace tsrec::host
