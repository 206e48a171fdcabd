// Which prompts a step takes when those that teach nothing are to come less often.
#pragma once

#include "tsrec/artifact.hpp"
#include "tsrec/context.hpp"

namespace tsrec::grpo {

// Every step draws its rows without replacement (Efraimidis and Spirakis, 2006): rows whose last
// group had equal rewards, all hits or all misses, with the weight `flat_weight`, the others, and
// those that had no group yet, with 1.
class Curriculum {
 public:
  Curriculum(int64_t num_rows, int64_t batch_rows, double flat_weight);

  // A function of the seed, the step and what was learnt before.
  std::vector<int64_t> rows(int64_t step, Context& context) const;
  void learn(int64_t row, bool is_flat);

  void save(ArtifactWriter& writer) const;
  void load(const ArtifactReader& reader);

 private:
  int64_t batch_rows_;
  double flat_weight_;
  torch::Tensor is_flat_N_;  // uint8: of the row's last group
};

}  // namespace tsrec::grpo
