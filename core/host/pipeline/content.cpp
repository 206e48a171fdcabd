#include "pipeline/content.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <set>

#include "tsrec/io/files.hpp"

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

// Smaller files are read at every look, so that no clock decides about them.
constexpr int64_t kLarge = 1 << 20;
// A file that changed a moment ago may change again within one tick of its file system's clock.
constexpr int64_t kSecondsOfDoubt = 2;

std::string nanoseconds(const timespec& time) { return c10::str(time.tv_sec, ".", time.tv_nsec); }

std::string facts_of(const fs::path& file, const struct stat& facts) {
  return c10::str(file.string(), "\n", facts.st_size, " ", facts.st_dev, " ", facts.st_ino, " ",
                  nanoseconds(facts.st_mtim), " ", nanoseconds(facts.st_ctim));
}

std::string digest_of_file(const fs::path& file, const fs::path& memory) {
  struct stat facts = {};
  if (::stat(file.c_str(), &facts) != 0)
    throw DataError("cannot read ", file.string(), ": ", std::strerror(errno));
  if (facts.st_size < kLarge) return io::sha256(io::read_text(file));
  const std::string known_as = facts_of(fs::absolute(file).lexically_normal(), facts);
  const fs::path remembered = memory / io::sha256(known_as);
  if (fs::exists(remembered)) return io::read_text(remembered);
  const std::string digest = io::sha256_of_file(file);
  if (std::time(nullptr) - facts.st_ctim.tv_sec > kSecondsOfDoubt) {
    fs::create_directories(memory);
    io::write_text(remembered, digest);
  }
  return digest;
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with("."); }

// open: folders on the way here; a link may lead back to one of them.
void add_folder(const fs::path& folder, const std::string& prefix, const fs::path& memory,
                std::set<fs::path>& open, std::vector<FileContent>& all) {
  const fs::path real = fs::canonical(folder);
  if (!open.insert(real).second) return;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (is_hidden(entry.path())) continue;
    const std::string name = prefix + entry.path().filename().string();
    if (entry.is_directory()) {
      add_folder(entry.path(), name + "/", memory, open, all);
    } else if (entry.is_regular_file()) {
      all.push_back({name, digest_of_file(entry.path(), memory)});
    }
  }
  open.erase(real);
}

}  // namespace

std::vector<FileContent> contents_of(const fs::path& path, const fs::path& memory) {
  std::vector<FileContent> all;
  try {
    if (fs::is_directory(path)) {
      std::set<fs::path> open;
      add_folder(path, "", memory, open, all);
      std::sort(all.begin(), all.end(),
                [](const FileContent& a, const FileContent& b) { return a.name < b.name; });
    } else if (fs::is_regular_file(path)) {
      all.push_back({path.filename().string(), digest_of_file(path, memory)});
    }
  } catch (const fs::filesystem_error& error) {
    throw DataError("cannot read '", path.string(), "': ", error.code().message());
  }
  return all;
}

}  // namespace tsrec::host
