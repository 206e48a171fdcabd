#include "plugins/recommender/sequential_world.hpp"

namespace tsrec::test {
namespace {

torch::Tensor of_length_1(const torch::Tensor& x) {
  return x / x.square().sum(-1, true).sqrt().clamp_min(1e-6);
}

torch::Tensor swish(const torch::Tensor& x) { return x / (1 + torch::exp(-x)); }

// x + W_o (u * LN(A v)), A_ij = swish(q_i k_j + bias of i - j) / n over the keys up to the query.
torch::Tensor hstu_block(const Values& p, const std::string& name, const torch::Tensor& x_nD,
                         int64_t heads, int64_t max_length) {
  const int64_t length = x_nD.size(0), width = x_nD.size(1), of_head = width / heads;
  const torch::Tensor uvqk =
      swish(torch::matmul(normalised(x_nD, 1e-6), p.at(name + ".uvqk.weight").t()));
  const auto part = [&](int64_t i) { return uvqk.slice(1, i * width, (i + 1) * width); };
  const torch::Tensor attended = torch::zeros_like(x_nD);
  for (int64_t h = 0; h < heads; ++h) {
    const auto head = [&](const torch::Tensor& y) {
      return y.slice(1, h * of_head, (h + 1) * of_head);
    };
    for (int64_t i = 0; i < length; ++i) {
      for (int64_t j = 0; j <= i; ++j) {
        const torch::Tensor score =
            head(part(2))[i].dot(head(part(3))[j]) + p.at(name + ".distance_bias")[i - j];
        head(attended)[i] += swish(score) / static_cast<double>(max_length) * head(part(1))[j];
      }
    }
  }
  return x_nD + linear(p, name + ".outer", part(0) * normalised(attended, 1e-6));
}

Formula hstu(int64_t blocks, int64_t heads, int64_t max_length, double temperature,
             const torch::Tensor& x_ND) {
  return [=](const Values& p, const std::vector<int64_t>& history) {
    const torch::Tensor items = item_table(p, x_ND);
    const auto length = static_cast<int64_t>(history.size());
    torch::Tensor x = items.index_select(0, torch::tensor(history)) *
                          std::sqrt(static_cast<double>(items.size(1))) +
                      p.at("positions").slice(0, 0, length);
    for (int64_t b = 0; b < blocks; ++b)
      x = hstu_block(p, c10::str("block.", b), x, heads, max_length);
    return torch::mv(of_length_1(items), of_length_1(x[length - 1])) / temperature;
  };
}

std::vector<Case> hstu_cases(const torch::Tensor& x_ND) {
  return {{"hstu",
           {{"width", "8"}, {"blocks", "2"}, {"temperature", "0.5"}, {"item_vectors", "add"}},
           hstu(2, 1, 50, 0.5, x_ND)},
          {"hstu",
           {{"width", "8"},
            {"blocks", "1"},
            {"heads", "2"},
            {"temperature", "0.2"},
            {"variant", "minionerec"},
            {"max_length", "4"}},
           hstu(1, 2, 4, 0.2, x_ND),
           /*max_length=*/4}};
}

TEST(Hstu, ListsAreThoseOfTheFormula) {
  RandomWorld world(/*num_items=*/19, /*num_users=*/9, /*longest=*/9, /*seed=*/6);
  for (const Case& of : hstu_cases(world.x_ND)) expect_lists(world, of);
}

TEST(Hstu, LossAndGradientAreThoseOfTheFormula) {
  RandomWorld world(/*num_items=*/9, /*num_users=*/3, /*longest=*/6, /*seed=*/6);
  for (const Case& of : hstu_cases(world.x_ND)) expect_loss_and_gradient(world, of);
}

}  // namespace
}  // namespace tsrec::test
