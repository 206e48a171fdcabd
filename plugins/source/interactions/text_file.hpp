// Line by line through a text file of any size, plain or compressed by gzip.
#pragma once

#include <optional>

#include "tsrec/context.hpp"
#include "tsrec/error.hpp"

struct gzFile_s;

namespace tsrec::interactions {

// What a source mended, left out or missed, and how often: Dataset::remarks.
using Remarks = std::map<std::string, int64_t>;

// How the bytes of a line are to be read. JSON says it itself, and is taken as it comes.
enum class Encoding { as_it_comes, utf8, latin1, utf8_or_latin1 };

// In memory are a piece of the file and its longest line. What follows a byte-order mark is the
// first line. Throws DataError that names the file: there is none, it is a folder, a git-lfs
// pointer, a zip archive or UTF-16, or gzip's data are damaged or end too early.
class TextFile {
 public:
  TextFile(const std::filesystem::path& file, Encoding encoding, Context& context);
  ~TextFile();
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  // Without its end (LF or CRLF), valid until the next call; nullopt behind the last one. Reports
  // progress. Throws Interrupted when the run was asked to stop, and DataError: a line that is no
  // UTF-8 though it should be.
  std::optional<std::string_view> next();
  int64_t line() const { return line_; }  // of what next() gave, from 1
  std::string place() const { return place(line_); }
  std::string place(int64_t line) const { return c10::str(path_.string(), ":", line, ": "); }
  const std::filesystem::path& path() const { return path_; }
  // Lines that came as ISO-8859-1, and halves of characters that are U+FFFD now.
  void add_remarks(Remarks& remarks) const;

 private:
  void refuse_other_files();
  bool fill();
  void report(int64_t read) const;
  std::string_view decoded(std::string_view line);

  std::filesystem::path path_;
  Encoding encoding_;
  Context& context_;
  gzFile_s* file_ = nullptr;
  int64_t bytes_ = 0;  // of the file as it lies there
  std::string buffer_, room_;
  size_t begin_ = 0, end_ = 0;  // what of the buffer is yet to be given
  bool is_at_end_ = false;
  int64_t line_ = 0, converted_ = 0, replaced_ = 0;
};

}  // namespace tsrec::interactions
