// What lies in a store: artefacts with their sizes, and the runs that refer to them.
#pragma once

#include <set>
#include <vector>

#include "pipeline/store.hpp"

namespace tsrec::host {

struct StoredArtefact {
  std::string key, stage;
  std::filesystem::path folder;
  std::filesystem::file_time_type written = {};
};
// By key.
TSREC_HOST_API std::vector<StoredArtefact> stored_artefacts(const Store& store);
// Of the file, or of all files of the folder; 0 where it is gone.
TSREC_HOST_API uintmax_t bytes_of(const std::filesystem::path& path);
// Of the files in it, the last time that one was written.
std::filesystem::file_time_type last_written(const std::filesystem::path& folder);

// What is wrong with an artefact's bytes, as a sentence: they are not those that were stored, or
// the key is not that of its text. "" where all is well.
TSREC_HOST_API std::string damage_of(const StoredArtefact& artefact);

// What a share of a comparison leaves in its folder when all of its cells are stored.
inline constexpr const char* kShareFile = "share.txt";

// Folders of the store's runs/, by name, which begins with their time.
TSREC_HOST_API std::vector<std::filesystem::path> run_folders(const Store& store);
// The runs that a folder holds: itself, and the jobs of a comparison or a tuning.
TSREC_HOST_API std::vector<std::filesystem::path> runs_within(const std::filesystem::path& folder);
// Of a run that recorded its stages; none where it did not come so far.
TSREC_HOST_API std::optional<std::set<std::string>> recorded_keys(
    const std::filesystem::path& run_folder);
// Whether one of its stages failed, as it recorded.
TSREC_HOST_API bool has_failed(const std::filesystem::path& run_folder);

}  // namespace tsrec::host
