// Lists of tables such as [[task]], entry by entry.
#pragma once

#include "config/document.hpp"

namespace tsrec::host {

// Entries of a list of tables; a single table counts as a list of one, null as an empty list. what:
// "[[task]]", for complaints.
std::vector<const Node*> entries_of(const Node* node, const std::string& what,
                                    const Document& document);
// False with  enabled = false  in the table, which is then nobody's concern any more.
bool is_enabled(const Node& entry, const Document& document);

}  // namespace tsrec::host
