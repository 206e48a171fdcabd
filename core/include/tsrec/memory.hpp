// How the process deals with memory.
#pragma once

#include "tsrec/abi.hpp"

namespace tsrec {

// Keeps freed memory instead of giving it back to the system, and lets the next tensor of the same
// size have the place of a freed one. Every step frees and asks for the same hundreds of megabytes:
// the system would clear each page of them again, a tenth of a training step, and holes that fit
// nothing would be a fifth of the memory, growing from step to step. For whole programs, before
// they begin; without glibc nothing happens.
TSREC_API void keep_freed_memory();

}  // namespace tsrec
