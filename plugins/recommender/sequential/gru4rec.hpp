// GRU4Rec (Hidasi et al., 2016; Hidasi and Karatzoglou, 2018), trained through whole histories.
#pragma once

#include "training.hpp"

namespace tsrec::sequential {

struct Gru4RecSettings : Settings {
  int64_t layers = 1;
  void declare(Options& options);
};

class Gru4Rec final : public SequentialRecommender {
 public:
  Gru4Rec(const Gru4RecSettings& settings, Context& context)
      : SequentialRecommender("gru4rec", settings, context), settings_(settings) {}

 protected:
  std::unique_ptr<SequenceModel> make_model(Parameters& parameters,
                                            const Catalogue& catalogue) const override;

 private:
  Gru4RecSettings settings_;
};

}  // namespace tsrec::sequential
