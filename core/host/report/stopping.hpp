// [compare] stop_when: seeds one by one, until every cell's difference is decided.
#pragma once

#include <optional>

#include "pipeline/compare.hpp"
#include "report/cell_run.hpp"
#include "support/sequential.hpp"

namespace tsrec::host {

class TSREC_HOST_API Stopping {
 public:
  explicit Stopping(const CompareSettings& settings);

  // Behind a seed: every cell that is not decided yet, with all seeds so far. Throws ConfigError
  // where the cells' last models have no such number.
  void look(const std::vector<CellRun>& runs);
  bool is_over() const;  // all are decided, or there are no more seeds

  struct Cell {
    std::string name;
    Decision decision;
  };
  const std::vector<Cell>& cells() const { return cells_; }
  const StopRule& settings() const { return settings_; }
  int64_t seeds() const { return seeds_; }
  std::string protocol() const;  // the rule, as a sentence for a report

 private:
  StopRule settings_;
  std::string against_;
  SequentialRule rule_;
  std::vector<Cell> cells_;
  int64_t seeds_ = 0;
};
const char* name_of(Outcome outcome);

}  // namespace tsrec::host
