// Every key of an experiment that is the host's own, as declared: for describe, completion and the
// table in configs/README.md.
#pragma once

#include "pipeline/settings.hpp"

namespace tsrec::host {

struct HostTable {
  std::string name;  // "any part", or as a kind calls its table: "[run]", "[[stage.reward]]"
  Options options;
  std::shared_ptr<void> settings;  // what the options are bound to
};

std::vector<HostTable> host_tables();
// What the host reads in the table of a part of this kind, beside the part's own options.
std::vector<HostTable> host_tables_of(const Kind& kind);

// What an experiment may have at its top: the tables of all kinds of parts, and the host's.
std::vector<std::string> top_tables();

}  // namespace tsrec::host
