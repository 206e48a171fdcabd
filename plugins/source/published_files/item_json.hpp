// The files that LC-Rec's and MiniOneRec's folders share: item.json (texts) and index.json (SIDs).
#pragma once

#include <nlohmann/json.hpp>

#include "tsrec/data.hpp"

namespace tsrec::published_files {

// Parses a JSON file; a DataError names the file and the line of a mistake.
nlohmann::json read_json(const std::filesystem::path& file);

// The only file of `folder` whose name ends in `ending`; nullopt when there is none, DataError when
// there are several.
std::optional<std::filesystem::path> only_file(const std::filesystem::path& folder,
                                               const std::string& ending);
// The same, and a DataError when there is none.
std::filesystem::path required_file(const std::filesystem::path& folder, const std::string& ending);

// {"0": {"title": ..., "description": ..., "brand": ..., "categories": ...}, ...} with the keys 0
// .. N-1. A printed Python list is parsed (never evaluated) and its entries joined by blanks.
Items read_items(const std::filesystem::path& file);

// {"0": ["<a_236>", "<b_231>", "<c_226>"], ...}: one entry per item. Shorter SIDs end in -1.
SidTable read_index(const std::filesystem::path& file, int64_t num_items);

// The item number that `text` names; a DataError (beginning with `where`) when it is no number in
// [0, num_items).
int64_t item_number(const std::string& text, int64_t num_items, const std::string& where);

}  // namespace tsrec::published_files
