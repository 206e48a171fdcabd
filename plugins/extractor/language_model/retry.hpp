// When to try again.
#pragma once

#include <chrono>

#include "tsrec/error.hpp"

namespace tsrec::language_model {

using Seconds = std::chrono::duration<double>;

// What the header Retry-After asks for (RFC 9110, 10.2.3): seconds, or the date of an end, which is
// never in the past. Nothing where it says neither.
std::optional<Seconds> retry_after(const std::string& header,
                                   std::chrono::system_clock::time_point now);

// Before retry 0, 1, ...: doubles from `first` up to a minute; the upper half of it is drawn, so
// that many who failed together do not come back together. uniform: in [0, 1).
Seconds back_off(Seconds first, int64_t retry, double uniform);

}  // namespace tsrec::language_model
