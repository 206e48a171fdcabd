// Embarrassingly shallow autoencoders (Steck, 2019): the ridge regression of every item on all
// others, in closed form.
#pragma once

#include "linear_recommender.hpp"

namespace tsrec::linear {

struct EaseSettings {
  double lambda = 500, memory = 0;
  ListSettings lists;
  void declare(Options& o);
};

//   P = (X'X + lambda I)^-1,   w(a, b) = -P_ab / P_bb,   w(a, a) = 0
//
// with X the binary matrix of what training users have. Solved in float64 by Cholesky, kept in
// float32: N^2 numbers.
class Ease final : public LinearRecommender {
 public:
  Ease(const EaseSettings& settings, Context&)
      : LinearRecommender(settings.lists), settings_(settings) {}

 protected:
  void fit_weights(const Lists& items_of_users, const Lists& users_of_items,
                   Context& context) override;
  void save_weights(ArtifactWriter& writer) const override { writer.view("weight_NN", weight_NN_); }
  void load_weights(const ArtifactReader& reader) override {
    weight_NN_ = reader.tensor("weight_NN");
  }
  void add_weights(int64_t item, double factor, Scores& scores) const override;

 private:
  EaseSettings settings_;
  torch::Tensor weight_NN_;  // float32; row a: w(a, .)
};

}  // namespace tsrec::linear
