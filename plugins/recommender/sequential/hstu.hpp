// HSTU (Zhai et al., 2024).
#pragma once

#include "training.hpp"

namespace tsrec::sequential {

struct HstuSettings : Settings {
  int64_t blocks = 2, heads = 1;
  double temperature = 0.05;
  std::string time_bias = "auto";
  void declare(Options& options);
};

class Hstu final : public SequentialRecommender {
 public:
  Hstu(const HstuSettings& settings, Context& context)
      : SequentialRecommender("hstu", settings, context), settings_(settings) {}

 protected:
  std::unique_ptr<SequenceModel> make_model(Parameters& parameters,
                                            const Catalogue& catalogue) const override;

 private:
  HstuSettings settings_;
};

}  // namespace tsrec::sequential
