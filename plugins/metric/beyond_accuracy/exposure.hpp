// How evenly the lists show the catalogue.
#pragma once

#include "heads.hpp"

namespace beyond_accuracy {

// Gini coefficient of the number of lists that show an item, over all items of the catalogue: 0
// where all are shown alike, near 1 where one item fills them all.
class Gini final : public tsrec::Metric {
 public:
  Gini(const Settings& settings, tsrec::Context&) : settings_(settings) {}
  tsrec::Numbers measure(const tsrec::Evaluation& evaluation,
                         tsrec::Context& context) const override;

 private:
  Settings settings_;
};

}  // namespace beyond_accuracy
