// The files that LC-Rec's and MiniOneRec's folders share: item.json (texts) and index.json (SIDs).
#pragma once

#include "reading.hpp"

namespace tsrec::published_files {

// {"0": {"title": ..., "description": ..., "brand": ..., "categories": ...}, ...}; or records, one
// a line or in a list, that name their item as `item`, `item_id` or `id`. A printed Python list is
// parsed (never evaluated) and its entries joined by blanks. Among the remarks: texts that were
// cleaned, values that are missing, halves of characters.
Items read_items(const std::filesystem::path& file, const Reading& reading,
                 std::map<std::string, int64_t>& remarks);

// {"0": ["<a_236>", "<b_231>", "<c_226>"], ...}: one entry per item.
SidTable read_index(const std::filesystem::path& file, const Items& items, const Reading& reading);

// The order in which items get their ids: that of their numbers where the keys are 0 .. N-1, else
// that of the file. The i-th item is the result's i-th row of the file.
std::vector<size_t> item_order(const std::vector<std::string>& keys);

// The item of this key; a DataError (beginning with `place`) when there is none.
int64_t item_named(const Items& items, const std::string& key, const std::string& place);

}  // namespace tsrec::published_files
