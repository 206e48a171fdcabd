// The first K places of every list, which is what the metrics of this folder look at.
#pragma once

#include "tsrec/parts/metric.hpp"

namespace beyond_accuracy {

struct Settings {
  std::vector<int64_t> k = {10};
  void declare(tsrec::Options& o);
};

// The items there, best first, without places that hold none.
std::vector<int64_t> head(const tsrec::Rankings& rankings, int64_t row, int64_t k);

// How often each item is the target of a training row.
std::vector<int64_t> training_counts(const tsrec::Dataset& data);

}  // namespace beyond_accuracy
