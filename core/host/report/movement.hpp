// Where the targets of an evaluation went between two models: from rank to rank, and hits by the
// popularity of the target.
#pragma once

#include <string>
#include <vector>

#include "pipeline/target_ranks.hpp"

namespace tsrec::host {

struct TSREC_HOST_API Movement {
  std::vector<std::string> bins;              // of ranks: "1", "2-3", ..., "out" of the list
  std::vector<std::vector<int64_t>> from_to;  // rows, by the bins before and after

  struct Group {
    std::string name;                         // "head", "mid", "tail", "all"
    int64_t rows = 0, before = 0, after = 0;  // hits: rows whose rank is hit_rank at most
    int64_t gained = 0, lost = 0;
    double mcnemar = 1;
  };
  int64_t hit_rank = 10;  // or the length of the lists, where they are shorter
  std::vector<Group> by_popularity;
};

// Of the same rows, row by row.
TSREC_HOST_API Movement movement(const TargetRanks& before, const TargetRanks& after);

}  // namespace tsrec::host
