#include "support/unflushed_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "tsrec/error.hpp"

namespace tsrec::host {

namespace fs = std::filesystem;

bool write_unflushed(const fs::path& file, std::string_view text) {
  const fs::path fresh = file.string() + ".new";
  std::ofstream out(fresh, std::ios::binary);
  out << text;
  out.close();
  std::error_code failed;
  if (out) fs::rename(fresh, file, failed);
  if (out && !failed) return true;
  fs::remove(fresh, failed);
  return false;
}

void flush(const fs::path& file_or_folder) {
  const int descriptor = ::open(file_or_folder.c_str(), O_RDONLY | O_CLOEXEC);
  int problem = descriptor < 0 || ::fsync(descriptor) != 0 ? errno : 0;
  if (descriptor >= 0) ::close(descriptor);
  // Some file systems flush no folders.
  if (problem == EINVAL && fs::is_directory(file_or_folder)) problem = 0;
  if (problem != 0)
    throw Error("cannot flush ", file_or_folder.string(), ": ",
                std::generic_category().message(problem));
}

}  // namespace tsrec::host
