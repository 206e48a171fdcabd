// Digests of what files hold.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "support/api.hpp"

namespace tsrec::host {

struct FileContent {
  std::string name;    // of the file, or its path below the folder
  std::string digest;  // SHA-256
};

// The file, or every file of the folder by name; empty when there is neither. Hidden files and
// folders are left out: they belong to editors, downloads and file managers. Links are followed.
// Digests of large files are kept in `memory`, a folder: a file is read again when its path, size,
// inode, or time of change does not fit.
TSREC_HOST_API std::vector<FileContent> contents_of(const std::filesystem::path& path,
                                                    const std::filesystem::path& memory);

}  // namespace tsrec::host
