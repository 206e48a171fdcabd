// The sizes of a T5 (Raffel et al., 2020), with TIGER's (Rajput et al., 2023) as defaults.
#pragma once

#include <cstdint>

namespace tsrec::tiger {

struct T5Shape {
  int64_t vocabulary = 0, width = 128;
  int64_t layers = 4;  // of the encoder, and as many of the decoder
  int64_t heads = 6, head_width = 64, mlp_width = 1024;
  // Of relative positions, as T5 calls them; from max_distance on all are in the last bucket.
  int64_t buckets = 32, max_distance = 128;
  double norm_eps = 1e-6, dropout = 0.1;
  bool tied = true;
  int32_t start_id = 0;  // the decoder's first token

  int64_t inner() const { return heads * head_width; }
};

}  // namespace tsrec::tiger
