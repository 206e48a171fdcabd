// Texts of items, cut to what a table or a page has room for.
#pragma once

#include <string>
#include <string_view>

#include "support/api.hpp"
#include "tsrec/data.hpp"

namespace tsrec::host {

// One line of at most that many bytes and three dots, cut between characters.
TSREC_HOST_API std::string one_line(std::string_view text, size_t most = 48);
// An item's title, its key where it has none.
TSREC_HOST_API std::string shown_title(const Items& items, int64_t item, size_t most = 48);

}  // namespace tsrec::host
