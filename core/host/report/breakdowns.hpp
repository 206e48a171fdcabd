// Hit rate and NDCG of every column by groups of the rows.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "report/columns.hpp"
#include "report/row_groups.hpp"
#include "support/statistics.hpp"

namespace tsrec::host {

struct TSREC_HOST_API Breakdown {
  struct Value {
    double mean = 0;
    std::optional<Interval> interval;  // 95 %, by a bootstrap over the users of the group
  };
  struct Group {
    std::string name;  // "head"
    int64_t rows = 0, users = 0;
    std::vector<std::vector<Value>> value_CN;  // by columns and numbers
  };
  std::string by;                             // "popularity of the target"
  std::vector<std::string> columns, numbers;  // "sft"; "item.hr@10", "item.ndcg@10"
  std::vector<Group> groups;
};

// Of the hit rate and the NDCG of items whose cutoff is nearest to 10, in all columns that measured
// these rows. Columns whose rows are of other users are left out: they were evaluated otherwise.
TSREC_HOST_API std::vector<Breakdown> breakdowns_of(const std::vector<Column>& columns,
                                                    const EvaluatedRows& evaluated,
                                                    int64_t resamples, uint64_t seed);

// [{"by": "popularity of the target", "groups": [{"name": "head", "rows", "users", "numbers":
// {"sft": {"item.hr@10": {"value", "interval": [low, high]}}}}]}]
TSREC_HOST_API nlohmann::ordered_json breakdowns_json(const std::vector<Breakdown>& breakdowns);

}  // namespace tsrec::host
