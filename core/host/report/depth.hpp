// How deep into its SID a model is right: the share of rows whose answers have the target's first
// codes, level by level.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "report/columns.hpp"
#include "support/statistics.hpp"

namespace tsrec::host {

// The rows that an evaluation ranked, found again in their split. Throws DataError where their
// users are not those of the evaluation.
TSREC_HOST_API Samples listed_rows(const Dataset& data, const ListedItems& listed,
                                   const torch::Tensor& user_S);

// How many of the first codes two items' SIDs have in common; of equal SIDs all levels.
TSREC_HOST_API int64_t shared_codes(const SidTable& sids, int64_t a, int64_t b);

struct TSREC_HOST_API DepthCurves {
  struct Curve {
    std::string of;
    bool is_model = false;
    // By cutoff, then by level: the share of rows of which one of the first k different SIDs of the
    // list begins with so many codes of the target's, and its 95 % interval: 1.96 standard errors,
    // where rows of one user belong together. Of all levels the share is sid.hr@k.
    std::vector<std::vector<double>> share_KL;
    std::vector<std::vector<Interval>> interval_KL;
  };
  std::vector<int64_t> cutoffs;  // 1, 5 and 10, as far as the lists go
  int64_t levels = 0, rows = 0;
  std::vector<Curve> curves;  // of the columns with stored lists, in their order
};

TSREC_HOST_API DepthCurves depth_curves(const Dataset& data, const SidTable& sids,
                                        const std::vector<Column>& columns);
// {"rows", "levels", "cutoffs": [], "curves": [{"of", "is_model", "share": [[]], "interval":
// [[[low, high]]]}]}; null without a curve.
TSREC_HOST_API nlohmann::ordered_json depth_json(const DepthCurves& depth);

}  // namespace tsrec::host
