// The kinds of parts there are, in the order of the pipeline.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plugin/attribution.hpp"
#include "support/api.hpp"

namespace tsrec::host {

struct TSREC_HOST_API Kind {
  const char* name;
  int contract;      // of the interface that this tsrec was built with
  const char* does;  // "turns embeddings into codes"
  bool is_list;      // an experiment has any number of them, each with a name of its own
  const char* path;  // where they stand in the document: "quantizer", "stage.reward"
  // The part behind the guard of its kind (guarded/guards.hpp).
  using Guard = std::shared_ptr<Part>(std::shared_ptr<Part> made, Identity part);
  Guard* guard;

  std::string table() const;                    // as an experiment begins one: "[quantizer]"
  std::vector<std::string> path_parts() const;  // "stage", "reward"
};
TSREC_HOST_API const std::vector<Kind>& kinds();
TSREC_HOST_API const std::vector<std::string>& kind_names();
TSREC_HOST_API const Kind* find_kind(std::string_view name);  // null: there is none
// The same, or a ConfigError with a suggestion.
TSREC_HOST_API const Kind& named_kind(const std::string& name);

// Begins with a-z and goes on with a-z, 0-9 and _.
TSREC_HOST_API bool is_part_name(std::string_view name);

}  // namespace tsrec::host
