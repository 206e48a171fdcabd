// Which item of the catalogue a word of the user means.
#pragma once

#include "support/api.hpp"
#include "tsrec/data.hpp"

namespace tsrec::host::serving {

// The item whose key the word is; else the only one whose whole title it is; else the only one
// whose title contains it. Upper and lower case of titles are one. Throws DataError: no item is
// meant, or more than one, which it lists with their keys.
TSREC_HOST_API int64_t item_named(const Items& items, const std::string& word);

std::string lowered(std::string_view text);  // of ASCII letters

}  // namespace tsrec::host::serving
