// Shared objects in the process. Two copies of LibTorch or of libtsrec have two sets of types and
// registries: what one makes, the other cannot use.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "support/api.hpp"

namespace tsrec::host {

// File name -> the distinct files of that name that are mapped.
using MappedLibraries = std::map<std::string, std::vector<std::filesystem::path>>;
// Of the libraries that must be there once: LibTorch's, libtsrec and the OpenMP runtimes.
TSREC_HOST_API MappedLibraries mapped_libraries();
TSREC_HOST_API std::vector<std::filesystem::path> mapped_files();  // all of them

}  // namespace tsrec::host
