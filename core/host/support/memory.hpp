// How much memory the process needed at most.
#pragma once

#include <cstdint>

#include "support/api.hpp"

namespace tsrec::host {

TSREC_HOST_API void forget_peak_memory();  // from now on
TSREC_HOST_API int64_t peak_memory();  // bytes in main memory, since the process began or forgot

}  // namespace tsrec::host
