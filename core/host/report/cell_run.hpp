// One cell of a comparison under one seed, as it ended.
#pragma once

#include "report/lineage.hpp"

namespace tsrec::host {

struct CellRun {
  std::string cell;
  int64_t seed = 0;
  Lineage lineage;
  std::vector<StageResult> results;
};

}  // namespace tsrec::host
