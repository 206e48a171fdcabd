// Which model each model was trained from.
#pragma once

#include <map>

#include "pipeline/pipeline.hpp"

namespace tsrec::host {

// "grpo" -> "sft" -> "untrained": read off the stages' inputs, the one place that decides it.
using Lineage = std::map<std::string, std::string>;
TSREC_HOST_API Lineage lineage_of(const Experiment& experiment);

}  // namespace tsrec::host
