// A JSON file of entries, with the place of each.
#pragma once

#include <nlohmann/json.hpp>

#include "tsrec/error.hpp"

namespace tsrec::published_files {

struct JsonEntry {
  std::string key;
  nlohmann::json value;
  int64_t line = 0;  // where the key stands, from 1
};

// The entries of one object, in the order of the file; a key may come twice.
using JsonEntries = std::vector<JsonEntry>;

struct JsonFile {
  std::filesystem::path path;
  std::vector<JsonEntries> objects;
  int64_t replaced = 0;  // halves of characters that are U+FFFD now

  std::string place(int64_t line) const;  // "FILE:LINE: ", for the beginning of an error
};

// A file that holds an object, objects one behind the other (JSON lines), or a list of objects, as
// Python writes them. A DataError names file, line and cause.
JsonFile read_json(const std::filesystem::path& file);

}  // namespace tsrec::published_files
