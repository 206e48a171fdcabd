// Caser (Tang and Wang, 2018), without its vector for each user: a user of another time has none.
#pragma once

#include "training.hpp"

namespace tsrec::sequential {

struct CaserSettings : Settings {
  CaserSettings() { original_is_tied = false; }
  int64_t window = 5, horizontal = 16, vertical = 4;
  std::vector<int64_t> heights = {};
  void declare(Options& options);
  std::vector<int64_t> used_heights() const;
};

class Caser final : public SequentialRecommender {
 public:
  Caser(const CaserSettings& settings, Context& context)
      : SequentialRecommender("caser", settings, context), settings_(settings) {}

 protected:
  std::unique_ptr<SequenceModel> make_model(Parameters& parameters,
                                            const Catalogue& catalogue) const override;

 private:
  CaserSettings settings_;
};

}  // namespace tsrec::sequential
