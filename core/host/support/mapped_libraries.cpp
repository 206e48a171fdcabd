#include "support/mapped_libraries.hpp"

#include <link.h>

#include <algorithm>
#include <string_view>

namespace tsrec::host {
namespace {

namespace fs = std::filesystem;

bool must_be_single(std::string_view name) {
  for (const char* start : {"libtorch", "libc10", "libtsrec", "libgomp", "libiomp", "libomp"}) {
    if (name.starts_with(start)) return true;
  }
  return false;
}

int remember(dl_phdr_info* info, size_t, void* data) {
  const fs::path file = info->dlpi_name;
  const std::string full = file.filename().string(), name = full.substr(0, full.find(".so"));
  if (!must_be_single(name)) return 0;
  std::error_code failed;
  const fs::path real = fs::canonical(file, failed);
  auto& files = (*static_cast<MappedLibraries*>(data))[name];
  if (std::find(files.begin(), files.end(), failed ? file : real) == files.end())
    files.push_back(failed ? file : real);
  return 0;
}

int remember_file(dl_phdr_info* info, size_t, void* data) {
  std::error_code failed;  // of the program itself and of what the kernel maps, which have no name
  const fs::path real = fs::canonical(info->dlpi_name, failed);
  if (!failed) static_cast<std::vector<fs::path>*>(data)->push_back(real);
  return 0;
}

}  // namespace

std::vector<fs::path> mapped_files() {
  std::vector<fs::path> found;
  ::dl_iterate_phdr(remember_file, &found);
  return found;
}

MappedLibraries mapped_libraries() {
  MappedLibraries found;
  ::dl_iterate_phdr(remember, &found);
  return found;
}

}  // namespace tsrec::host
