#include "io/atomic_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace tsrec::io {
namespace {

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

// Makes a rename inside `folder` survive a power cut; best effort, some file systems refuse it.
void flush_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

// The process and the address of a live object name the temporary file: no two writers share one.
AtomicFile::AtomicFile(const std::filesystem::path& file)
    : file_(file),
      temporary_(
          c10::str(file.string(), ".", ::getpid(), "-", static_cast<const void*>(this), ".tmp")) {
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("create");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail("flush");
  if (::rename(temporary_.c_str(), file_.c_str()) != 0) fail("rename to");
  ::close(std::exchange(descriptor_, -1));
  flush_folder(folder_of(file_));
}

void AtomicFile::fail(const char* action) const {
  const int code = errno;
  const bool is_full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  throw Error("cannot ", action, " ", file_.string(), ": ", std::generic_category().message(code),
              is_full ? "; free some space and run the same command again" : "");
}

}  // namespace tsrec::io
