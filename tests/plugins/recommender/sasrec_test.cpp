#include "plugins/recommender/sequential_world.hpp"

namespace tsrec::test {
namespace {

// A block of SASRec over a whole history, [n, D] -> [n, D]: every query over the keys up to it.
torch::Tensor sasrec_block(const Values& p, const std::string& name, const torch::Tensor& x_nD,
                           int64_t heads, bool is_minionerec) {
  const int64_t length = x_nD.size(0), of_head = x_nD.size(1) / heads;
  const torch::Tensor normal_nD = layer_norm(p, name + ".before_attention", x_nD);
  const torch::Tensor q = linear(p, name + ".query", normal_nD), k = linear(p, name + ".key", x_nD),
                      v = linear(p, name + ".value", x_nD);
  const torch::Tensor attended = torch::zeros_like(x_nD);
  for (int64_t h = 0; h < heads; ++h) {
    const auto head = [&](const torch::Tensor& y) {
      return y.slice(1, h * of_head, (h + 1) * of_head);
    };
    for (int64_t i = 0; i < length; ++i) {
      const torch::Tensor score = torch::mv(head(k).slice(0, 0, i + 1), head(q)[i]) /
                                  std::sqrt(static_cast<double>(of_head));
      head(attended)[i].copy_(torch::mv(head(v).slice(0, 0, i + 1).t(), torch::softmax(score, 0)));
    }
  }
  const torch::Tensor y = layer_norm(p, name + ".before_layers", normal_nD + attended);
  const torch::Tensor z =
      y + linear(p, name + ".outer", torch::relu(linear(p, name + ".inner", y)));
  return is_minionerec ? layer_norm(p, name + ".behind_layers", z) : z;
}

Formula sasrec(int64_t blocks, int64_t heads, bool is_minionerec, const torch::Tensor& x_ND) {
  return [=](const Values& p, const Row& row) {
    const torch::Tensor items = item_table(p, x_ND);
    const auto length = static_cast<int64_t>(row.history.size());
    torch::Tensor x = items.index_select(0, torch::tensor(row.history));
    if (!is_minionerec) x = x * std::sqrt(static_cast<double>(x.size(1)));
    x = x + p.at("positions").slice(0, 0, length);
    for (int64_t b = 0; b < blocks; ++b)
      x = sasrec_block(p, c10::str("block.", b), x, heads, is_minionerec);
    return item_scores(p, items, layer_norm(p, "last", x)[length - 1]);
  };
}

std::vector<Case> sasrec_cases(const torch::Tensor& x_ND) {
  return {{"sasrec", {{"width", "8"}, {"blocks", "2"}}, sasrec(2, 1, false, x_ND)},
          {"sasrec",
           {{"width", "8"}, {"blocks", "1"}, {"heads", "2"}, {"item_vectors", "add"}},
           sasrec(1, 2, false, x_ND)},
          {"sasrec",
           {{"width", "6"}, {"blocks", "1"}, {"outputs", "untied"}, {"item_vectors", "init"}},
           sasrec(1, 1, false, x_ND)},
          {"sasrec",
           {{"width", "8"}, {"blocks", "1"}, {"variant", "minionerec"}, {"max_length", "3"}},
           sasrec(1, 1, true, x_ND),
           /*max_length=*/3}};
}

TEST(SasRec, ListsAreThoseOfTheFormula) {
  RandomWorld world(/*num_items=*/19, /*num_users=*/9, /*longest=*/9, /*seed=*/5);
  for (const Case& of : sasrec_cases(world.x_ND)) expect_lists(world, of);
}

TEST(SasRec, LossAndGradientAreThoseOfTheFormula) {
  RandomWorld world(/*num_items=*/9, /*num_users=*/3, /*longest=*/6, /*seed=*/5);
  for (const Case& of : sasrec_cases(world.x_ND)) expect_loss_and_gradient(world, of);
}

}  // namespace
}  // namespace tsrec::test
