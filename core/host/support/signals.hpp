// Ctrl-C asks for a tidy stop; a second one, two seconds later or more, ends the process at once.
//
// A thread waits for stops, no handler is called for them: kernels that oneDNN makes while the
// program runs keep numbers in the stack pointer, and the frame of a handler would be written over
// what happens to lie there.
#pragma once

#include "support/api.hpp"

namespace tsrec::host {

// The first is acknowledged at once, and a part that is still at work 10 seconds later is named.
// acknowledges: false where a parent did it, which passes the stop on.
TSREC_HOST_API void watch_signals(bool acknowledges = true);
// Keeps them waiting until watch_signals(), also in the program that this process becomes: between
// its start and its first watch a stop would otherwise kill it.
TSREC_HOST_API void hold_signals();
// A stop ends this process: for a child of one that watches.
TSREC_HOST_API void release_signals();
TSREC_HOST_API bool stop_requested();

}  // namespace tsrec::host
