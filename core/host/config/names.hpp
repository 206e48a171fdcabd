// Entries of lists such as [[task]] are addressed by name.
#pragma once

#include "config/document.hpp"

namespace tsrec::host {

std::string name_of(const Node& entry);  // `name`, else `use`, else ""
bool is_named_list(const Node& node);    // a list of tables that all have a name

}  // namespace tsrec::host
