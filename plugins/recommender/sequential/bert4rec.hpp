// BERT4Rec (Sun et al., 2019).
#pragma once

#include "masking.hpp"
#include "training.hpp"

namespace tsrec::sequential {

struct Bert4RecSettings : Settings {
  int64_t blocks = 2, heads = 2;
  MaskOptions masks;
  void declare(Options& options);
};

class Bert4Rec final : public SequentialRecommender {
 public:
  Bert4Rec(const Bert4RecSettings& settings, Context& context)
      : SequentialRecommender("bert4rec", settings, context), settings_(settings) {}

 protected:
  std::unique_ptr<SequenceModel> make_model(Parameters& parameters,
                                            const Catalogue& catalogue) const override;

 private:
  Bert4RecSettings settings_;
};

}  // namespace tsrec::sequential
