// What an experiment demands of its rows and of its SIDs: looked at as soon as they are there, and
// not hours later by the stage that would fail.
#pragma once

#include <functional>

#include "pipeline/parts.hpp"
#include "tsrec/data.hpp"

namespace tsrec::host {

// Throws ConfigError where [evaluate] or a [[stage]] ranks rows of a split that has none.
void check_rows(const Parts& parts, const std::function<int64_t(Split)>& num_rows);
// Asks the trainers of all stages (Trainer::check_sids). Throws ConfigError where [evaluate]
// decodes by level and SIDs have several lengths.
void check_sids(const Parts& parts, const RunSettings& run, const SidTable& sids);

}  // namespace tsrec::host
