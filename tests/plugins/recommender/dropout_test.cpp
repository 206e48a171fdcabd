// Dropout of the sequential models.
#include <cmath>

#include "plugins/recommender/sequential_world.hpp"

namespace tsrec::test {
namespace {

// Of every part, dropout included: along the gradient of a parameter the loss of a step rises as
// the gradient says, as long as the step drops the same again.
TEST(Sequential, GradientIsThatOfTheLossWithItsDropout) {
  for (const std::string name : {"sasrec", "hstu", "gru4rec", "caser", "bert4rec"}) {
    RandomWorld world(/*num_items=*/30, /*num_users=*/40, /*longest=*/12, /*seed=*/9);
    Scattered scattered(world, {.part = name, .options = {{"width", "16"}, {"dropout", "0.5"}}});
    Stepwise& steps = *steps_of(*scattered.part);
    const auto loss = [&](int64_t step) {
      steps.step(step, scattered.context);
      return scattered.context.numbers.at("train.loss").back();
    };
    const double start = loss(0);
    std::vector<torch::Tensor> gradients;
    for (const nn::Parameter& parameter : steps.parameters())
      gradients.push_back(parameter.value.grad().clone());
    for (size_t i = 0; i < gradients.size(); ++i) {
      const nn::Parameter parameter = steps.parameters()[i];
      const double norm = gradients[i].norm().item<double>();
      const torch::Tensor before = parameter.value.detach().clone();
      const auto loss_at = [&](double along) {
        parameter.value.detach().copy_(before + gradients[i] * (along / norm));
        return loss(0);
      };
      constexpr double kStep = 4e-3;
      if (norm > 1e-2) {
        EXPECT_NEAR((loss_at(kStep) - loss_at(-kStep)) / (2 * kStep), norm, 0.02 * norm + 5e-4)
            << name << ": " << parameter.name;
      }
      parameter.value.detach().copy_(before);
    }
    EXPECT_EQ(loss(0), start) << name;
    EXPECT_GT(std::abs(loss(1) - start), 1e-3) << name;  // another step drops others
  }
}

}  // namespace
}  // namespace tsrec::test
