// JSON out of a file, with an error that says where the file is wrong.
#pragma once

#include <nlohmann/json.hpp>

#include "tsrec/error.hpp"

namespace tsrec::io {

// `name` is the file, or what else the reader of the message would look for.
nlohmann::json parse_json(std::string_view bytes, const std::string& name);

// An object of names and whole numbers, in the order of the file and without a tree in memory:
// vocabularies have 150,000 of them. Throws DataError for anything else.
std::vector<std::pair<std::string, int64_t>> parse_numbers(std::string_view bytes,
                                                           const std::string& name);

}  // namespace tsrec::io
