// How a catalogue uses its SIDs: codes level by level, SIDs that several items share, and the shape
// of the tree that the decoder searches.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "support/api.hpp"
#include "tsrec/data.hpp"

namespace tsrec::host {

struct TSREC_HOST_API SidUsage {
  struct Level {
    int64_t size = 0;                 // codes that there are
    std::vector<int64_t> items = {};  // of each code in use, most first
    double perplexity = 0;            // exp of the entropy of the items' codes, in nats
    // The tree: its nodes at this depth (the root is at none), and the children of those one level
    // up that have some.
    int64_t nodes = 0;
    double mean_children = 0;
    int64_t most_children = 0, only_children = 0;  // only: of parents with one child
  };
  std::vector<Level> levels;
  int64_t items = 0, sids = 0;              // sids: different ones
  int64_t collided = 0;                     // items whose SID another item has as well
  std::map<int64_t, int64_t> sids_of_size;  // how many SIDs so many items have
  // Rows of training, and those whose target's SID another item has as well.
  int64_t rows = 0, collided_rows = 0;
};

TSREC_HOST_API SidUsage sid_usage(const SidTable& sids, const Samples& train);
// {"items", "sids", "collided", "rows", "collided_rows", "sids_of_size": [[items, sids]], "levels":
// [{"size", "used", "perplexity", "nodes", "mean_children", "most_children", "only_children",
// "counts": []}]}. counts: of at most 512 evenly spaced codes in use, most first.
TSREC_HOST_API nlohmann::ordered_json sid_usage_json(const SidUsage& usage);

}  // namespace tsrec::host
