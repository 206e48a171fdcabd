// Some of many, spread over the whole.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec {

// `wanted` of 0 .. available - 1, ascending; 0, or more than there are: all.
TSREC_API std::vector<int64_t> evenly_spaced(int64_t available, int64_t wanted);

}  // namespace tsrec
