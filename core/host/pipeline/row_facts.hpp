// What a row is like, whatever ranks it: the audit counts such rows, and a report groups by them.
#pragma once

#include <vector>

#include "tsrec/data.hpp"

namespace tsrec::host {

// Whether the target stands in its own history.
bool is_repeat(const Samples& rows, int64_t row);
// Whether an item stands in a training row, as its target or in its history; of a catalogue of that
// many.
std::vector<bool> trained_items(const Samples& train, int64_t num_items);

}  // namespace tsrec::host
