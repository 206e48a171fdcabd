// Parts made ready to use, whether their work is done by their entry or in steps
// (parts/stepwise.hpp).
#pragma once

#include "tsrec/parts/backbone.hpp"
#include "tsrec/parts/quantizer.hpp"
#include "tsrec/parts/recommender.hpp"
#include "tsrec/parts/trainer.hpp"

namespace tsrec::kit {

inline void fit(Quantizer& quantizer, const torch::Tensor& x_ND, Context& context) {
  quantizer.fit(x_ND, context);
  run_steps(quantizer, context);
}
inline void fit(Recommender& recommender, const RecommenderInputs& inputs, Context& context) {
  recommender.fit(inputs, context);
  run_steps(recommender, context);
}
inline void prepare(Backbone& backbone, const Items& items, Context& context) {
  backbone.prepare(items, context);
  run_steps(backbone, context);
}
inline void train(Trainer& trainer, const TrainInputs& inputs, Context& context) {
  trainer.start(inputs, context);
  run_steps(trainer, context);
}

}  // namespace tsrec::kit
