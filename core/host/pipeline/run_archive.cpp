#include "pipeline/run_archive.hpp"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "pipeline/inventory.hpp"
#include "pipeline/key_lock.hpp"
#include "pipeline/run_record.hpp"
#include "support/tar.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kForm = "tsrec-run 1";
constexpr const char* kManifest = "manifest.json";

// What stands below `at` in the archive for the files of a folder, by name.
std::map<std::string, fs::path> files_below(const fs::path& folder, const std::string& at) {
  std::map<std::string, fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      files[at + fs::relative(entry.path(), folder).generic_string()] = entry.path();
  }
  return files;
}

bool holds_model(const StageId& id) {
  switch (id.role) {
    case StageId::Role::backbone:
    case StageId::Role::extend:
    case StageId::Role::train:
    case StageId::Role::recommender:
      return true;
    default:
      return false;
  }
}

// Of a run that came to a good end.
std::vector<StageResult> whole_stages(const Store& store, const fs::path& run_folder) {
  std::vector<StageResult> stages = read_run_record(run_folder, store);
  for (const StageResult& stage : stages) {
    if (stage.state != StageResult::State::stored)
      throw ConfigError("the run's stage '", stage.id.text(), "' cannot be packed: ", stage.why,
                        "; run it again to its end, and export that run");
    const std::string damage = damage_of({stage.key, stage.id.text(), stage.folder});
    if (!damage.empty())
      throw DataError("'", stage.folder.string(), "': ", damage,
                      "; remove the folder and run the experiment again");
  }
  return stages;
}

ordered_json manifest_of(const PackedRun& run, const std::map<std::string, fs::path>& files,
                         const std::map<std::string, std::string>& more) {
  ordered_json json = {{"form", kForm},
                       {"run", run.name},
                       {"tsrec", TSREC_VERSION},
                       {"built_with", TSREC_FACTS},
                       {"plugins", run.plugins},
                       {"stages", ordered_json::array()},
                       {"files", ordered_json::object()}};
  for (const PackedRun::Stage& stage : run.stages)
    json["stages"].push_back({{"stage", stage.name},
                              {"key", stage.key},
                              {"digest", stage.digest},
                              {"whole", stage.is_whole}});
  for (const auto& [name, file] : files) json["files"][name] = io::sha256_of_file(file);
  for (const auto& [name, bytes] : more) json["files"]["run/" + name] = io::sha256(bytes);
  return json;
}

std::vector<std::string> plugins_of(const fs::path& run_folder) {
  std::vector<std::string> names;
  for (const auto& [name, file] : fs::exists(run_folder / "plugins")
                                      ? files_below(run_folder / "plugins", "")
                                      : std::map<std::string, fs::path>()) {
    if (file.extension() == ".so") names.push_back(file.filename().string());
  }
  return names;
}

// --- the way back

bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string::npos;
}

bool is_key(const std::string& key) {
  constexpr size_t kDigits = 64;
  return key.size() == kDigits && key.find_first_not_of("0123456789abcdef") == std::string::npos;
}

PackedRun read_manifest(const fs::path& archive, const ordered_json& json) {
  PackedRun run;
  if (json.at("form").get<std::string>() != kForm)
    throw DataError("'", archive.string(), "' is of the form '", json.at("form").get<std::string>(),
                    "', and this version reads '", kForm, "'");
  run.name = json.at("run").get<std::string>();
  if (!is_plain_name(run.name))
    throw DataError("'", archive.string(), "' names its run '", run.name, "', which is no name");
  run.plugins = json.at("plugins").get<std::vector<std::string>>();
  for (const ordered_json& entry : json.at("stages")) {
    PackedRun::Stage& stage = run.stages.emplace_back();
    stage = {entry.at("stage").get<std::string>(), entry.at("key").get<std::string>(),
             entry.at("digest").get<std::string>(), entry.at("whole").get<bool>()};
    if (!is_key(stage.key))
      throw DataError("'", archive.string(), "' gives the stage '", stage.name, "' the key '",
                      stage.key, "', which is none");
  }
  return run;
}

// Whatever is unpacked so far, gone with this.
class Unpacking {
 public:
  explicit Unpacking(const Store& store)
      : folder_(store.root() / "importing" / std::to_string(::getpid())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~Unpacking() {
    std::error_code left_behind;
    fs::remove_all(folder_, left_behind);
    fs::remove(folder_.parent_path(), left_behind);  // where no other import is at work
  }
  Unpacking(const Unpacking&) = delete;
  Unpacking& operator=(const Unpacking&) = delete;
  const fs::path& folder() const { return folder_; }

 private:
  fs::path folder_;
};

ordered_json unpacked_manifest(const fs::path& archive, const fs::path& folder) {
  const fs::path file = folder / kManifest;
  if (!fs::exists(file))
    throw DataError("'", archive.string(), "' has no ", kManifest,
                    ", so it is no archive of  tsrec export-run");
  return ordered_json::parse(io::read_text(file));
}

void check_files(const fs::path& archive, const fs::path& folder, const ordered_json& manifest) {
  std::map<std::string, fs::path> there = files_below(folder, "");
  there.erase(kManifest);
  for (const auto& [name, digest] : manifest.at("files").items()) {
    const auto found = there.find(name);
    if (found == there.end())
      throw DataError("'", archive.string(), "' lacks '", name, "'; nothing was taken");
    if (io::sha256_of_file(found->second) != digest.get<std::string>())
      throw DataError("'", archive.string(), "': '", name,
                      "' has other bytes than were packed; nothing was taken");
    there.erase(found);
  }
  if (!there.empty())
    throw DataError("'", archive.string(), "' holds '", there.begin()->first,
                    "', which its manifest does not name; nothing was taken");
}

// One artefact, with how long it took where it was made. A checkpoint on the way to it is not
// needed any more.
void take(const std::string& key, const fs::path& unpacked, const Store& store) {
  fs::create_directories(store.artefact(key).parent_path());
  fs::rename(unpacked / "store" / key, store.artefact(key));
  std::error_code left_behind;
  fs::create_directories(store.root() / "seconds");
  fs::rename(unpacked / "seconds" / key, store.root() / "seconds" / key, left_behind);
  fs::remove_all(store.root() / "work" / key, left_behind);
}

}  // namespace

PackedRun export_run(const Store& store, const fs::path& run_folder, const fs::path& archive,
                     bool with_models, const std::map<std::string, std::string>& more) {
  if (fs::exists(archive))
    throw ConfigError("'", archive.string(), "' exists already; name another file");
  PackedRun run;
  run.name = fs::absolute(run_folder / ".").lexically_normal().parent_path().filename().string();
  run.plugins = plugins_of(run_folder);
  std::map<std::string, fs::path> files = files_below(run_folder, "run/");
  for (const StageResult& stage : whole_stages(store, run_folder)) {
    const bool is_whole = with_models || !holds_model(stage.id);
    run.stages.push_back({stage.id.text(), stage.key, stage.digest, is_whole});
    if (!is_whole) continue;
    files.merge(files_below(stage.folder, "store/" + stage.key + "/"));
    if (const fs::path seconds = store.root() / "seconds" / stage.key; fs::exists(seconds))
      files["seconds/" + stage.key] = seconds;
  }
  for (const auto& [name, bytes] : more) files.erase("run/" + name);
  run.files = std::ssize(files) + std::ssize(more);
  const fs::path unfinished = archive.string() + ".unfinished";
  TarWriter out(unfinished);
  out.add_text(
      kManifest,
      manifest_of(run, files, more).dump(1, ' ', false, ordered_json::error_handler_t::replace) +
          "\n");
  for (const auto& [name, bytes] : more) out.add_text("run/" + name, bytes);
  for (const auto& [name, file] : files) out.add_file(name, file);
  out.close();
  fs::rename(unfinished, archive);
  run.bytes = fs::file_size(archive);
  return run;
}

UnpackedRun import_run(const Store& store, const fs::path& archive) {
  const Unpacking here(store);
  unpack_tar(archive, here.folder());
  UnpackedRun unpacked;
  try {
    const ordered_json manifest = unpacked_manifest(archive, here.folder());
    check_files(archive, here.folder(), manifest);
    unpacked.run = read_manifest(archive, manifest);
    unpacked.run.files = std::ssize(manifest.at("files"));
  } catch (const nlohmann::json::exception& error) {
    throw DataError("'", archive.string(), "': ", kManifest, " cannot be read (", error.what(),
                    ")");
  }
  unpacked.folder = store.root() / "runs" / unpacked.run.name;
  if (fs::exists(unpacked.folder))
    throw ConfigError("'", unpacked.folder.string(),
                      "' exists already, and nothing is written over; rename it, or name another "
                      "--store");
  if (!fs::exists(here.folder() / "run" / "resolved.toml"))
    throw DataError("'", archive.string(), "' holds no run/resolved.toml; nothing was taken");
  std::vector<PackedRun::Stage> fresh;
  for (const PackedRun::Stage& stage : unpacked.run.stages) {
    if (!stage.is_whole) continue;
    const fs::path folder = here.folder() / "store" / stage.key;
    const std::string damage = damage_of({stage.key, stage.name, folder});
    if (!damage.empty() || io::read_text(folder / "digest.txt") != stage.digest)
      throw DataError("'", archive.string(), "': the stage '", stage.name,
                      "': ", damage.empty() ? "it is not the one that the run recorded" : damage,
                      "; nothing was taken");
    if (!store.has(stage.key)) {
      fresh.push_back(stage);
    } else if (store.digest(stage.key) == stage.digest) {
      ++unpacked.known;
    } else {
      unpacked.other_bytes.push_back(stage.name);
    }
  }
  for (const PackedRun::Stage& stage : fresh) {
    KeyLock lock(store.lock(stage.key));
    if (!store.has(stage.key)) {  // else a run was faster
      take(stage.key, here.folder(), store);
      ++unpacked.stored;
    }
    lock.is_over();
  }
  fs::create_directories(unpacked.folder.parent_path());
  fs::rename(here.folder() / "run", unpacked.folder);
  return unpacked;
}

}  // namespace tsrec::host
