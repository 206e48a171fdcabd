// How the process deals with memory.
#pragma once

#include "tsrec/abi.hpp"

namespace tsrec {

// Keeps freed memory instead of giving it back to the system. Every step frees and asks for the
// same hundreds of megabytes, and the system clears each page of them again: a tenth of a training
// step. For whole programs, before they begin; without glibc nothing happens.
TSREC_API void keep_freed_memory();

}  // namespace tsrec
