// TOML text into nodes with their positions; the only user of toml++.
#pragma once

#include "config/document.hpp"

namespace tsrec::host {

Node read_toml(const std::filesystem::path& file);  // ConfigError with file:line:column
Node parse_value(const std::string& text,
                 const Origin& origin);  // 3, 0.5, true, [1, 2], "a"; a bare word is a string

}  // namespace tsrec::host
