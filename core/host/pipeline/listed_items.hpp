// The heads of ranked lists, stored with the numbers of an evaluation: what was recommended for
// which row.
#pragma once

#include <optional>

#include "support/api.hpp"
#include "tsrec/artifact.hpp"
#include "tsrec/evaluation.hpp"

namespace tsrec::host {

struct TSREC_HOST_API ListedItems {
  Split split = Split::test;  // that the rows are of: all of them, or evenly spaced ones
  // int64, [S, at most kPlaces]: items, best first, those of one SID side by side; -1: none.
  torch::Tensor item_SM;
  static constexpr int64_t kPlaces = 50;
};

TSREC_HOST_API void write_listed_items(const Rankings& rankings, Split split, ArtifactWriter& out);
// Empty where the evaluation was stored without them.
TSREC_HOST_API std::optional<ListedItems> read_listed_items(const ArtifactReader& in);

}  // namespace tsrec::host
