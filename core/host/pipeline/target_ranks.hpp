// Where the targets of an evaluation stand in their lists, and how popular they are: stored with
// its numbers, so that two models can be compared rank by rank.
#pragma once

#include <optional>
#include <vector>

#include "support/api.hpp"
#include "tsrec/artifact.hpp"
#include "tsrec/evaluation.hpp"

namespace tsrec::host {

// How often an item is the target of a training row, in thirds of those rows: an item is in the
// head (mid) when the items that are targets more often have less than a third (two thirds) of the
// rows.
enum class Popularity : uint8_t { head, mid, tail };

struct TSREC_HOST_API TargetRanks {
  // int64. rank: from 1; 0: not in the list. Items of one SID share their places, and the middle of
  // those counts, rounded up: a row of rank <= k is one whose item.hr@k is more than a half.
  torch::Tensor rank_S;
  torch::Tensor popularity_S;  // int64, of the target
  int64_t length = 0;          // of the lists
};

TSREC_HOST_API TargetRanks target_ranks(const Evaluation& evaluation);
// "target_rank.q10", ".q25" and ".q50": so many per cent of the targets stand there or before,
// those in no list behind its end. None of no rows.
TSREC_HOST_API Numbers rank_quantiles(const TargetRanks& ranks);
// By item, of a catalogue of that many.
TSREC_HOST_API std::vector<Popularity> popularity_of_items(const Samples& train, int64_t num_items);

TSREC_HOST_API void write_target_ranks(const TargetRanks& ranks, ArtifactWriter& out);
// Empty where the evaluation was stored without them.
TSREC_HOST_API std::optional<TargetRanks> read_target_ranks(const ArtifactReader& in);

}  // namespace tsrec::host
