// Ctrl-C asks for a tidy stop; a second one, two seconds later or more, ends the process at once.
#pragma once

#include "support/api.hpp"

namespace tsrec::host {

TSREC_HOST_API void watch_signals();
TSREC_HOST_API bool stop_requested();

}  // namespace tsrec::host
