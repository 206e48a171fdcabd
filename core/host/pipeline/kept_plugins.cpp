#include "pipeline/kept_plugins.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "support/mapped_libraries.hpp"
#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// Shares the bytes until one of the two changes. Not every file system can.
bool cloned(const fs::path& file, const fs::path& copy) {
  const int from = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const int to = ::open(copy.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  const bool is_done = from >= 0 && to >= 0 && ::ioctl(to, FICLONE, from) == 0;
  if (from >= 0) ::close(from);
  if (to >= 0) ::close(to);
  return is_done;
}

void copy_whole(const fs::path& file, const fs::path& copy) {
  if (!cloned(file, copy)) fs::copy_file(file, copy, fs::copy_options::overwrite_existing);
}

// The store's copy of the file, made where it has none.
fs::path kept(const fs::path& file, const fs::path& folder) {
  const auto place_of = [&](const std::string& digest) {
    return folder / digest / file.filename();
  };
  const fs::path known = place_of(io::sha256_of_file(file));
  if (fs::exists(known)) return known;
  fs::create_directories(folder);
  const fs::path fresh = folder / c10::str(file.filename().string(), ".", ::getpid(), ".tmp");
  copy_whole(file, fresh);
  fs::permissions(fresh, fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write,
                  fs::perm_options::remove);
  const fs::path place =
      place_of(io::sha256_of_file(fresh));  // the file may have changed meanwhile
  fs::create_directories(place.parent_path());
  fs::rename(fresh, place);
  return place;
}

// A hard link, or a copy where the run lies on another file system than the store.
void put(const fs::path& kept, const fs::path& folder) {
  std::error_code failed;
  fs::create_hard_link(kept, folder / kept.filename(), failed);
  if (failed) copy_whole(kept, folder / kept.filename());
}

// Mapped files of the plugin's folder that are no plugins.
std::vector<fs::path> libraries_beside(const fs::path& plugin, const Registry& registry) {
  std::vector<fs::path> plugins;
  for (const auto& file : registry.files()) {
    if (file->info != nullptr) plugins.push_back(fs::canonical(file->file));
  }
  std::vector<fs::path> found;
  for (const fs::path& file : mapped_files()) {
    const bool is_plugin = std::find(plugins.begin(), plugins.end(), file) != plugins.end();
    if (!is_plugin && file.parent_path() == plugin.parent_path()) found.push_back(file);
  }
  return found;
}

}  // namespace

void keep_plugins(const Registry& registry, const Store& store, const fs::path& run_folder) {
  const fs::path shared = store.root() / "plugins";
  int64_t number = 0;
  for (const auto& file : registry.files()) {
    if (file->is_installed() || file->info == nullptr) continue;
    const fs::path folder = run_folder / "plugins" / std::to_string(++number);
    fs::create_directories(folder);
    put(kept(file->file, shared), folder);
    io::write_text(folder / kSourceFile,
                   fs::absolute(file->source).lexically_normal().string() + "\n");
    for (const fs::path& library : libraries_beside(fs::canonical(file->file), registry))
      put(kept(library, shared), folder);
  }
}

}  // namespace tsrec::host
