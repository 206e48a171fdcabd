// Partial SIDs of one prompt, and what a search hands back.
#pragma once

#include "tsrec/decode/decoder.hpp"

namespace tsrec::decode {

// A completion so far. The state holds its first `computed` tokens, up to `segment`; `hidden` is
// the row of the last forward that predicts what follows them.
struct Beam {
  std::vector<int32_t> tokens;
  int32_t node = Trie::kRoot, segment = -1;
  size_t computed = 0;
  int64_t hidden = -1;
  double score = 0;
};
using Beams = std::vector<Beam>;

// Higher score first; equal scores by smaller token ids, so that results do not depend on the order
// of work.
inline bool ranks_before(const Beam& a, const Beam& b) {
  return a.score != b.score ? a.score > b.score : a.tokens < b.tokens;
}

struct Found {
  std::vector<Beams> beams_B;        // best first
  std::vector<int64_t> certified_B;  // proven places of each list; empty: unknown
};

class Scorer;
// The best `beams` children at every level.
Found beam_search(Scorer& scorer, const DecodeOptions& options);
// `beams` independent draws for each prompt.
Found sample(Scorer& scorer, const DecodeOptions& options, at::Generator& generator);
// The `beams` best leaves of the whole trie.
Found best_first_search(Scorer& scorer, const DecodeOptions& options);

}  // namespace tsrec::decode
