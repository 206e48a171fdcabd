// One vector for each of many texts, out of the hidden states of their tokens.
#pragma once

#include "tsrec/context.hpp"
#include "tsrec/nn/packed_batch.hpp"

namespace tsrec::nn {

// The mean over the tokens, or the state of the first (CLS) or the last of them.
enum class Pooling { mean, cls, last };

struct SequenceVectorOptions {
  Pooling pooling = Pooling::mean;
  int64_t outside_mean = 0;     // leading tokens of every row that do not count in its mean
  bool normalize = false;       // scale every vector to length 1
  int64_t batch_tokens = 4096;  // of one forward; a single longer row has one of its own
};

// [T, D] of the tokens of rows that do not see one another.
using HiddenStates = std::function<torch::Tensor(const PackedBatch& batch)>;

// [N, D] float32 on the CPU. Equal rows are computed once. Rows go from the shortest to the longest
// and are packed without padding; each thread of a CPU computes batches of its own, so `hidden` is
// called from several at once, without gradients. A row without a token to pool has zeros.
// Interrupted when the context is stopping.
TSREC_API torch::Tensor sequence_vectors(std::span<const std::vector<int32_t>> rows, int64_t width,
                                         const HiddenStates& hidden,
                                         const SequenceVectorOptions& options, Context& context);

}  // namespace tsrec::nn
