// A file that appears whole or not at all: a reader sees the old bytes or the new ones.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::io {

// Collects bytes under a temporary name beside `file`; commit() flushes them to disk and renames.
// Without commit() the temporary file is removed.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& file);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void commit();

 private:
  [[noreturn]] void fail(const char* action) const;

  std::filesystem::path file_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

}  // namespace tsrec::io
