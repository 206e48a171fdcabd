// An extractor writes down what each SID token means: a description and keywords (paper 4.1, Eq.
// 6-7).
#pragma once

#include "tsrec/data.hpp"
#include "tsrec/plugin.hpp"

namespace tsrec {

class TSREC_API Extractor : public Part {
 public:
  static constexpr const char* kKind = "extractor";
  static constexpr int kContract = 1;
  ~Extractor() override;
  // One note per cluster, in the clusters' order. A cluster that yields nothing is left out with a
  // warning.
  virtual std::vector<TokenNote> extract(const std::vector<TokenCluster>& clusters,
                                         const Items& items, Context& context) = 0;
};

}  // namespace tsrec
