// Cloze: items that stand behind a mask, and are to be told by what stands on both sides of them
// (Sun et al., 2019).
#pragma once

#include "batches.hpp"

namespace tsrec::sequential {

struct MaskOptions {
  double share = 0.2;       // of a sequence's labels that are masked, to the nearest; at least one
  double last_share = 0.1;  // of the sequences: those whose last label alone is masked
};

// Every sequence with its last label as one token more, and labels at masked tokens only: those
// that stood before them. `mask` is the item of these tokens. What no label names, as a sequence's
// first item, is never masked. Times are left out.

// Labels that are drawn.
Sequences with_masks(const Sequences& sequences, const MaskOptions& options, int64_t mask,
                     at::Generator generator);
// The last label of each.
Sequences with_last_masked(const Sequences& sequences, int64_t mask);

}  // namespace tsrec::sequential
