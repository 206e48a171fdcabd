// Neighbours of items by the users they share (Sarwar et al., 2001; Deshpande and Karypis, 2004).
#pragma once

#include "linear_recommender.hpp"

namespace tsrec::linear {

struct ItemKnnSettings {
  int64_t neighbours = 100;
  double shrink = 10;
  ListSettings lists;
  void declare(Options& o);
};

//   w(a, b) = c(a, b) / (sqrt(c(a) c(b)) + shrink)
//
// for the `neighbours` items b != a of the largest w; c(a, b): training users with both. Only pairs
// that a user has are ever looked at: memory grows with N * neighbours.
class ItemKnn final : public LinearRecommender {
 public:
  ItemKnn(const ItemKnnSettings& settings, Context&)
      : LinearRecommender(settings.lists), settings_(settings) {}

 protected:
  void fit_weights(const Lists& items_of_users, const Lists& users_of_items,
                   Context& context) override;
  void save_weights(ArtifactWriter& writer) const override;
  void load_weights(const ArtifactReader& reader) override;
  void add_weights(int64_t item, double factor, Scores& scores) const override;

 private:
  ItemKnnSettings settings_;
  // The neighbours of item a, best first: offset_N1[a] .. offset_N1[a + 1].
  torch::Tensor offset_N1_, neighbour_E_, weight_E_;  // int64, int64, float64
};

}  // namespace tsrec::linear
