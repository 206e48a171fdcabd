// Machine and program of a run, which nobody can ask later: environment.json in its folder.
#pragma once

#include "pipeline/pipeline.hpp"

namespace tsrec::host {

// {"tsrec", "build", "libtorch", "system", "processor", "processor_threads", "memory_mib",
// "device", "precision", "threads", "float32_products"}.
TSREC_HOST_API std::string environment_json_of(const RunSettings& run);

}  // namespace tsrec::host
