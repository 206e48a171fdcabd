// A catalogue as the tree of its SIDs, cut to what a page has room for.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "report/keywords.hpp"
#include "tsrec/data.hpp"

namespace tsrec::host {

struct TSREC_HOST_API SidTree {
  struct Node {
    std::string token;     // "" at the root
    int64_t items = 0;     // below it and at it
    int64_t children = 0;  // in the whole tree, shown or not
    std::vector<Node> shown = {};
    std::vector<std::string> titles = {};  // of items whose SID ends here
    int64_t here = 0;                      // items whose SID ends here, shown or not
  };
  Node root;
  int64_t sids = 0, shown_sids = 0;
  Keywords keywords;  // of tokens that are shown
};

// All codes of the first level where they are at most 1024, and below them the paths of at most
// `paths` evenly spaced SIDs in the order of their codes; at most `titles` of the items of each.
TSREC_HOST_API SidTree sid_tree(const SidTable& sids, const Items& items,
                                const std::vector<TokenNote>& notes, int64_t paths = 400,
                                int64_t titles = 3);
// {"sids", "shown_sids", "keywords": {token: "..."}, "root": {"token", "items", "children": count,
// "shown": [nodes], "here", "titles": []}}. What a node has none of is not there.
TSREC_HOST_API nlohmann::ordered_json sid_tree_json(const SidTree& tree);

}  // namespace tsrec::host
