// One record a line, as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <set>

#include "text_file.hpp"

namespace tsrec::interactions {

// The record of a line, of which only these fields are kept. NaN, Infinity and None are null, half
// a character is U+FFFD; replaced counts those. Throws DataError, beginning with the file's place,
// where the line is no JSON object.
nlohmann::json record_of(std::string_view line, const std::set<std::string>& fields,
                         const TextFile& file, int64_t& replaced);
// The text of a string, the digits of a number; "" of everything else, and where there is no such
// field.
std::string text_of(const nlohmann::json& record, const char* field);

}  // namespace tsrec::interactions
