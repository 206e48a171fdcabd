// Lists of new items alone: what `[evaluate] repeats = false` leaves of a model's lists.
#pragma once

#include "support/api.hpp"
#include "tsrec/data.hpp"
#include "tsrec/evaluation.hpp"

namespace tsrec::host {

// The lists without the items of each row's history, closed up; their ends are empty (-1). A SID
// whose items all stand in the history is no longer listed, nor counted among the certified ones.
// rankings: of a model, [S, M] with leaf_SM; samples: its S rows.
TSREC_HOST_API Rankings without_histories(const Rankings& rankings, const Samples& samples);

}  // namespace tsrec::host
