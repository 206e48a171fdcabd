// How different the items of one list are.
#pragma once

#include "heads.hpp"

namespace beyond_accuracy {

struct DiversitySettings {
  std::vector<int64_t> k = {10};
  std::string by = "sid";
  void declare(tsrec::Options& o);
};

// Intra-list diversity: the mean distance of all pairs of a list. Of two SIDs it is the share of
// the levels behind what both begin with; of two vectors, 1 - cosine.
class Diversity final : public tsrec::Metric {
 public:
  Diversity(const DiversitySettings& settings, tsrec::Context&) : settings_(settings) {}
  tsrec::Numbers measure(const tsrec::Evaluation& evaluation,
                         tsrec::Context& context) const override;

 private:
  DiversitySettings settings_;
};

}  // namespace beyond_accuracy
