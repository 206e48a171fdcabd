#include "pipeline/inventory.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pipeline/run_record.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// The stage that a key text is of.
std::string stage_of(const std::string& key_text) {
  constexpr std::string_view kMark = "\nstage ";
  const size_t at = key_text.find(kMark);
  if (at == std::string::npos) return "?";
  const size_t begin = at + kMark.size();
  return key_text.substr(begin, key_text.find('\n', begin) - begin);
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(folder, absent)) entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

}  // namespace

uintmax_t bytes_of(const fs::path& path) {
  std::error_code gone;
  if (fs::is_regular_file(path, gone)) return fs::file_size(path);
  uintmax_t bytes = 0;
  for (auto at = fs::recursive_directory_iterator(path, gone);
       !gone && at != fs::recursive_directory_iterator(); at.increment(gone)) {
    std::error_code failed;
    if (at->is_regular_file(failed)) bytes += at->file_size(failed);
  }
  return bytes;
}

fs::file_time_type last_written(const fs::path& folder) {
  std::error_code gone;
  fs::file_time_type last = fs::last_write_time(folder, gone);
  for (auto at = fs::recursive_directory_iterator(folder, gone);
       !gone && at != fs::recursive_directory_iterator(); at.increment(gone)) {
    std::error_code failed;
    const fs::file_time_type time = at->last_write_time(failed);
    if (!failed) last = std::max(last, time);
  }
  return last;
}

std::vector<StoredArtefact> stored_artefacts(const Store& store) {
  std::vector<StoredArtefact> artefacts;
  for (const fs::path& group : entries_of(store.root() / "store")) {
    for (const fs::path& folder : entries_of(group)) {
      if (!fs::is_directory(folder)) continue;
      StoredArtefact& artefact = artefacts.emplace_back();
      artefact.key = folder.filename().string();
      artefact.folder = folder;
      std::error_code gone;
      artefact.written = fs::last_write_time(folder / "digest.txt", gone);
      artefact.stage =
          fs::exists(folder / "key.txt") ? stage_of(io::read_text(folder / "key.txt")) : "?";
    }
  }
  return artefacts;
}

std::string damage_of(const StoredArtefact& artefact) {
  for (const char* file : {"key.txt", "digest.txt"}) {
    if (!fs::exists(artefact.folder / file)) return c10::str("it has no ", file);
  }
  const std::string key_text = io::read_text(artefact.folder / "key.txt");
  if (io::sha256(key_text) != artefact.key) return "its key.txt is not the text of its key";
  const std::string known = io::read_text(artefact.folder / "digest.txt");
  const std::string now = artefact_digest(artefact.folder);
  if (now == known) return "";
  return c10::str("its bytes are not those that were stored (digest ", now.substr(0, 12), ", not ",
                  known.substr(0, 12), ")");
}

std::vector<fs::path> run_folders(const Store& store) {
  std::vector<fs::path> folders = entries_of(store.root() / "runs");
  std::erase_if(folders, [](const fs::path& path) { return !fs::is_directory(path); });
  return folders;
}

std::vector<fs::path> runs_within(const fs::path& folder) {
  std::vector<fs::path> runs;
  std::error_code gone;
  for (auto at = fs::recursive_directory_iterator(folder, gone);
       !gone && at != fs::recursive_directory_iterator(); at.increment(gone)) {
    if (at->path().filename() == "resolved.toml") runs.push_back(at->path().parent_path());
  }
  std::sort(runs.begin(), runs.end());
  return runs;
}

namespace {

// stages.json; null where there is none.
nlohmann::json record_of(const fs::path& run_folder) {
  const fs::path file = run_folder / "stages.json";
  if (!fs::exists(file)) return nullptr;
  try {
    return nlohmann::json::parse(io::read_text(file));
  } catch (const nlohmann::json::exception& error) {
    throw DataError("'", file.string(), "' cannot be read (", error.what(), ")");
  }
}

}  // namespace

std::optional<std::set<std::string>> recorded_keys(const fs::path& run_folder) {
  const nlohmann::json record = record_of(run_folder);
  if (record.is_null()) return std::nullopt;
  std::set<std::string> keys;
  for (const auto& [stage, entry] : record.items()) {
    if (const std::string key = entry.value("key", ""); !key.empty()) keys.insert(key);
  }
  return keys;
}

bool has_failed(const fs::path& run_folder) {
  const nlohmann::json record = record_of(run_folder);
  for (const auto& [stage, entry] : record.items()) {
    if (entry.value("state", "") == name_of(StageResult::State::failed)) return true;
  }
  return false;
}

}  // namespace tsrec::host
