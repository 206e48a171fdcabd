// SASRec (Kang and McAuley, 2018).
#pragma once

#include "training.hpp"

namespace tsrec::sequential {

struct SasRecSettings : Settings {
  int64_t blocks = 2, heads = 1;
  void declare(Options& options);
};

class SasRec final : public SequentialRecommender {
 public:
  SasRec(const SasRecSettings& settings, Context& context)
      : SequentialRecommender("sasrec", settings, context), settings_(settings) {}

 protected:
  std::unique_ptr<SequenceModel> make_model(Parameters& parameters,
                                            const Catalogue& catalogue) const override;

 private:
  SasRecSettings settings_;
};

}  // namespace tsrec::sequential
