// A recommender ranks items without a language model: floors and baselines, printed beside every
// result.
#pragma once

#include "tsrec/artifact.hpp"
#include "tsrec/evaluation.hpp"
#include "tsrec/plugin.hpp"

namespace tsrec {

struct RecommenderInputs {
  const Dataset& data;  // test is empty
  // Of all items, where the part needs them (kNeeds = "quantizer", or an option's value that
  // needs("quantizer", ...)); null for every other.
  const SidTable* sids;
  // The items' vectors as [encoder] gave them, [N, D] float32, where the part needs them (kNeeds =
  // "encoder", or an option's value that needs("encoder", ...)); undefined for every other.
  torch::Tensor x_ND = {};
};
class TSREC_API Recommender : public Part {
 public:
  static constexpr const char* kKind = "recommender";
  static constexpr int kContract = 1;
  ~Recommender() override;
  // Once, before rank() and save(). May be slow: polls stopping(), or is Stepwise and makes itself
  // ready here; inputs outlive the steps.
  virtual void fit(const RecommenderInputs& inputs, Context& context) = 0;
  // [S, min(num_candidates, items)], leaf_SM undefined. Looks at the histories, never at the
  // targets.
  virtual Rankings rank(const Samples& samples, int64_t num_candidates, Context& context) = 0;
  virtual void save(ArtifactWriter& writer) const = 0;
  virtual void load(const ArtifactReader& reader) = 0;
};

}  // namespace tsrec
