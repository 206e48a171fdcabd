// Entries of lists such as [[task]] are addressed by name.
#pragma once

#include "config/document.hpp"

namespace tsrec::host {

// `name`, else what `use` names without its plugin ("acme.opq/opq" is called "opq"), else "".
std::string name_of(const Node& entry);
bool is_named_list(const Node& node);  // a list of tables that all have a name
// Begins with a letter or digit and goes on with those, '_' and '-': a name stands in paths such as
// stage.sft.epochs and in names of files.
bool is_entry_name(const std::string& name);
// Throws ConfigError, with both places, when two entries of one list have one name.
void refuse_twins(const Node& node, const std::string& path = "");

}  // namespace tsrec::host
