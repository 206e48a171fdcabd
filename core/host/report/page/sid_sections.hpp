// What a page shows of a run's semantic IDs and users. A function for each key of the run's JSON;
// null where what it needs is not stored.
#pragma once

#include "report/page/sections.hpp"

namespace tsrec::host {

// {"keywords": {token: "..."}, "items": item_map_json(), "tokens": token_map_json()}: items where
// vectors are stored, tokens where models are.
TSREC_HOST_API nlohmann::ordered_json sid_map_section(const PageRun& run);
TSREC_HOST_API nlohmann::ordered_json sid_usage_section(const PageRun& run);
TSREC_HOST_API nlohmann::ordered_json sid_tree_section(const PageRun& run);
TSREC_HOST_API nlohmann::ordered_json depth_section(const PageRun& run);
TSREC_HOST_API nlohmann::ordered_json examples_section(const PageRun& run);

}  // namespace tsrec::host
