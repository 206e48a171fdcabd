// How long a stage may take that is not made yet: as long as the one that is most like it took.
#pragma once

#include "pipeline/pipeline.hpp"
#include "pipeline/store.hpp"

namespace tsrec::host {

// done: the stages before, stored or not. None where no such stage is stored, or nobody knows how
// long it took.
TSREC_HOST_API std::optional<double> expected_seconds(const Stage& stage, const RunSettings& run,
                                                      const std::vector<StageResult>& done,
                                                      const Store& store);

}  // namespace tsrec::host
