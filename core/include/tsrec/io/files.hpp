// Reading and writing plain files. Errors name the file and, where there is one, the line.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::io {

TSREC_API std::string read_text(
    const std::filesystem::path& file);  // DataError if absent or unreadable
// Written to a temporary name, flushed to disk, renamed: a reader sees the old bytes or the new
// ones.
TSREC_API void write_text(const std::filesystem::path& file, std::string_view bytes);
// .npy (float16, float32, float64, int32, int64; C order) -> tensor of that type.
TSREC_API torch::Tensor read_npy(const std::filesystem::path& file);
TSREC_API void write_npy(const std::filesystem::path& file, const torch::Tensor& value);

// RFC 4180: quotes, doubled quotes, line breaks in quotes. First row is the header. A file that
// ends in .tsv is separated by tabs.
struct TSREC_API Csv {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::vector<int64_t> line;                    // line of the file where each row starts, from 1
  int64_t column(std::string_view name) const;  // DataError that lists the header when absent
  std::string file;
};
TSREC_API Csv read_csv(const std::filesystem::path& file);
// The printed form of a Python list of strings or integers: "['a', \"b's\", 3]". Parsed, never
// evaluated.
TSREC_API std::vector<std::string> parse_list_literal(std::string_view text);
TSREC_API std::string sha256(std::string_view bytes);  // hex
// The same of a file's bytes, which are never in memory as a whole.
TSREC_API std::string sha256_of_file(const std::filesystem::path& file);

}  // namespace tsrec::io
