// How popular what the lists show is, by the training rows.
#pragma once

#include "heads.hpp"

namespace beyond_accuracy {

// Mean self-information of the items of a list in bits: -log2 of the share of training rows that
// have the item as their target, counted from 1 so that an item of none has one too.
class Novelty final : public tsrec::Metric {
 public:
  Novelty(const Settings& settings, tsrec::Context&) : settings_(settings) {}
  tsrec::Numbers measure(const tsrec::Evaluation& evaluation,
                         tsrec::Context& context) const override;

 private:
  Settings settings_;
};

// By how much the items of the lists are more popular than those of the histories that they answer:
// (mean over rows of the list's mean count - that of the history's) / the latter (Abdollahpouri et
// al., 2019). 0: as popular; 1: twice as popular.
class PopularityLift final : public tsrec::Metric {
 public:
  PopularityLift(const Settings& settings, tsrec::Context&) : settings_(settings) {}
  tsrec::Numbers measure(const tsrec::Evaluation& evaluation,
                         tsrec::Context& context) const override;

 private:
  Settings settings_;
};

}  // namespace beyond_accuracy
