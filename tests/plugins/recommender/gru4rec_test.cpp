#include "plugins/recommender/sequential_world.hpp"

namespace tsrec::test {
namespace {

// One item after the other: h <- (1 - z) n + z h (Cho et al., 2014, as cuDNN has it).
Formula gru4rec(int64_t layers, const torch::Tensor& x_ND) {
  return [=](const Values& p, const Row& row) {
    const torch::Tensor items = item_table(p, x_ND);
    const int64_t width = items.size(1);
    std::vector<torch::Tensor> state(static_cast<size_t>(layers),
                                     torch::zeros({width}, torch::kFloat64));
    for (const int64_t item : row.history) {
      torch::Tensor x = items[item];
      for (int64_t l = 0; l < layers; ++l) {
        torch::Tensor& h = state[static_cast<size_t>(l)];
        const std::string name = c10::str("layer.", l);
        const torch::Tensor in = linear(p, name + ".input", x), of = linear(p, name + ".hidden", h);
        const auto gate = [&](const torch::Tensor& y, int64_t g) {
          return y.slice(0, g * width, (g + 1) * width);
        };
        const torch::Tensor r = torch::sigmoid(gate(in, 0) + gate(of, 0)),
                            z = torch::sigmoid(gate(in, 1) + gate(of, 1)),
                            n = torch::tanh(gate(in, 2) + r * gate(of, 2));
        h = (1 - z) * n + z * h;
        x = h;
      }
    }
    return item_scores(p, items, state.back());
  };
}

std::vector<Case> gru4rec_cases(const torch::Tensor& x_ND) {
  return {{"gru4rec", {{"width", "6"}, {"layers", "2"}, {"item_vectors", "add"}}, gru4rec(2, x_ND)},
          {"gru4rec",
           {{"width", "6"}, {"variant", "minionerec"}, {"max_length", "4"}},
           gru4rec(1, x_ND),
           /*max_length=*/4}};
}

TEST(Gru4Rec, ListsAreThoseOfTheFormula) {
  RandomWorld world(/*num_items=*/19, /*num_users=*/9, /*longest=*/9, /*seed=*/7);
  for (const Case& of : gru4rec_cases(world.x_ND)) expect_lists(world, of);
}

TEST(Gru4Rec, LossAndGradientAreThoseOfTheFormula) {
  RandomWorld world(/*num_items=*/9, /*num_users=*/3, /*longest=*/6, /*seed=*/7);
  for (const Case& of : gru4rec_cases(world.x_ND)) expect_loss_and_gradient(world, of);
}

}  // namespace
}  // namespace tsrec::test
