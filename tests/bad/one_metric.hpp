// A metric that always says the same.
#pragma once

#include "tsrec/parts/metric.hpp"

namespace tsrec::bad {

class OneMetric final : public Metric {
 public:
  OneMetric(const NoSettings&, Context&) {}
  Numbers measure(const Evaluation&, Context&) const override { return {{"always", 1, {}}}; }
};

constexpr PartInfo one_metric(const char* name) {
  return part<Metric, OneMetric, NoSettings>(name, 1, "Always says the same");
}

}  // namespace tsrec::bad
