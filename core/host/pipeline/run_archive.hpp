// One file that holds a run, for another machine to run again and to check.
//
// A tar archive: manifest.json, which names every other file with its SHA-256; run/, the run's
// folder; store/KEY/, its artefacts; seconds/KEY.
#pragma once

#include <functional>

#include "pipeline/store.hpp"

namespace tsrec::host {

struct PackedRun {
  struct Stage {
    std::string name, key, digest;
    bool is_whole = false;  // its artefact is in the archive
  };
  std::string name;
  std::vector<Stage> stages;
  std::vector<std::string> plugins;  // file names of those from outside the installation
  int64_t files = 0;
  uintmax_t bytes = 0;
};

// with_models = false: without the artefacts of stages that hold a model. more: files beside those
// of the run's folder, name and bytes. Throws DataError where an artefact is gone or damaged, and
// ConfigError where the archive exists or the run is no whole one.
TSREC_HOST_API PackedRun export_run(const Store& store, const std::filesystem::path& run_folder,
                                    const std::filesystem::path& archive, bool with_models,
                                    const std::map<std::string, std::string>& more);

struct UnpackedRun {
  PackedRun run;
  std::filesystem::path folder;
  int64_t stored = 0, known = 0;              // artefacts that are new here; that were here
  std::vector<std::string> other_bytes = {};  // stages that are stored here with other bytes
};
// Everything is held against its digest before the store changes; nothing that is there is written
// over. Throws DataError on an archive that is damaged or leads out of its folder, and ConfigError
// where a run of the name is there.
TSREC_HOST_API UnpackedRun import_run(const Store& store, const std::filesystem::path& archive);

}  // namespace tsrec::host
