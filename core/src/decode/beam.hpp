// Beams of one prompt while they grow through the trie.
#pragma once

#include "tsrec/decode/decoder.hpp"

namespace tsrec::decode {

// A completion so far. `hidden`: row of the step's hidden states that predicts its next token.
struct Beam {
  std::vector<int32_t> tokens;
  int32_t node = Trie::kRoot, segment = -1;
  int64_t hidden = -1;
  double score = 0;
};

// Higher score first; equal scores by smaller token ids, so that results do not depend on the order
// of work.
inline bool ranks_before(const Beam& a, const Beam& b) {
  return a.score != b.score ? a.score > b.score : a.tokens < b.tokens;
}

}  // namespace tsrec::decode
