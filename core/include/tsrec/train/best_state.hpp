// The values of parameters at the best validation so far.
#pragma once

#include <limits>

#include "tsrec/nn/parameter.hpp"

namespace tsrec::train {

class TSREC_API BestState {
 public:
  // Copies the values after `step` steps and returns true if `value` is lower than all before.
  bool offer(double value, int64_t step, const std::vector<nn::Parameter>& parameters);
  // Puts the values back; false when none were ever offered.
  bool restore(const std::vector<nn::Parameter>& parameters) const;
  int64_t step() const { return step_; }
  void save(ArtifactWriter& writer) const;
  void load(const ArtifactReader& reader);

 private:
  double value_ = std::numeric_limits<double>::infinity();
  int64_t step_ = -1;
  std::vector<torch::Tensor> values_;
};

}  // namespace tsrec::train
