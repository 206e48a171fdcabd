// Tar archives of plain files, which every tar reads.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "support/api.hpp"

namespace tsrec::host {

// Times, owners and modes of the files are left out: equal files in an equal order give equal
// bytes. Throws DataError where the archive or a file cannot be written or read.
class TSREC_HOST_API TarWriter {
 public:
  explicit TarWriter(const std::filesystem::path& archive);
  ~TarWriter();
  void add_text(const std::string& name, const std::string& bytes);
  void add_file(const std::string& name, const std::filesystem::path& file);
  void close();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Writes the archive's files below the folder, which exists. Throws DataError on whatever is no
// plain file, such as a link, on a name that leads out of the folder, on a name that comes twice,
// and on what is no archive.
TSREC_HOST_API void unpack_tar(const std::filesystem::path& archive,
                               const std::filesystem::path& folder);

}  // namespace tsrec::host
