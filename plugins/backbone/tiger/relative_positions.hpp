// What attention adds for the distance between two tokens: one number for each bucket of distances
// and each head (T5, section 2.1).
#pragma once

#include "t5_shape.hpp"
#include "tsrec/torch.hpp"

namespace tsrec::tiger {

// Buckets of key position minus query position, int64 of any shape. bidirectional: half of the
// buckets for keys behind the query; else those count as at distance 0. Half of what is left are
// distances of their own, the others grow logarithmically up to max_distance. In float32, as
// published code computes it.
torch::Tensor bucket_of(const torch::Tensor& relative, bool bidirectional, const T5Shape& shape);

// bias: [buckets, heads] -> [heads, length, length]: query by key.
torch::Tensor encoder_bias(const torch::Tensor& bias_BH, int64_t length, const T5Shape& shape);
// [heads, 1, visible]: the last of `visible` tokens asks all of them.
torch::Tensor decoder_bias(const torch::Tensor& bias_BH, int64_t visible, const T5Shape& shape);

}  // namespace tsrec::tiger
