// Batches whose products have few sizes.
#pragma once

#include "tsrec/nn/packed_batch.hpp"

namespace tsrec::nn {

// The batch, followed by up to 31 tokens of nobody, a root segment that no label and no child
// refers to, so that their number is a multiple of 32. oneDNN makes code for every number of rows
// that it meets, for longer than a small model multiplies them, and keeps a thousand pieces of it;
// batches packed from rows have lengths of their own. The batch itself where oneDNN does not
// multiply, or where the tokens are so few that 31 more would cost as much.
TSREC_API PackedBatch even_batch(const PackedBatch& batch, torch::ScalarType precision);

}  // namespace tsrec::nn
