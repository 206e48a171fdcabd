// How much memory the process needs, and what it no longer does.
#pragma once

#include <cstdint>

#include "support/api.hpp"

namespace tsrec::host {

// What was freed and kept (keep_freed_memory) goes back to the system: between stages, whose
// tensors have other sizes, it would lie in pieces that fit nothing, and grow from stage to stage.
TSREC_HOST_API void give_back_freed_memory();
// The same where 64 MiB more are in use than the least that were since it last did so: where about
// the same things are needed each time, no more than that was freed. Looking at every piece takes
// milliseconds, and whoever goes on asks for their pages again.
TSREC_HOST_API void give_back_what_grew();
TSREC_HOST_API int64_t memory_in_use();    // bytes in main memory, now
TSREC_HOST_API void forget_peak_memory();  // from now on
TSREC_HOST_API int64_t peak_memory();  // bytes in main memory, since the process began or forgot

}  // namespace tsrec::host
