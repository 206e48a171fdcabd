// JSON out of a file, with an error that says where the file is wrong.
#pragma once

#include <nlohmann/json.hpp>

#include "tsrec/error.hpp"

namespace tsrec::io {

// `name` is the file, or what else the reader of the message would look for.
nlohmann::json parse_json(std::string_view bytes, const std::string& name);

}  // namespace tsrec::io
