#include "support/unflushed_file.hpp"

#include <fstream>
#include <system_error>

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

}  // namespace tsrec::host
