// The kinds of parts there are, in the order of the pipeline.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/api.hpp"

namespace tsrec::host {

struct Kind {
  const char* name;
  int contract;       // of the interface that this tsrec was built with
  const char* does;   // "turns embeddings into codes"
  const char* table;  // how an experiment names one: "[quantizer]", "[[stage.reward]]"
};
TSREC_HOST_API const std::vector<Kind>& kinds();
TSREC_HOST_API const std::vector<std::string>& kind_names();
TSREC_HOST_API const Kind* find_kind(std::string_view name);  // null: there is none
// The same, or a ConfigError with a suggestion.
TSREC_HOST_API const Kind& named_kind(const std::string& name);

// Begins with a-z and goes on with a-z, 0-9 and _.
TSREC_HOST_API bool is_part_name(std::string_view name);

}  // namespace tsrec::host
