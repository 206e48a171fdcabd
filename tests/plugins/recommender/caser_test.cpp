#include "plugins/recommender/sequential_world.hpp"

namespace tsrec::test {
namespace {

// Filters over an image of the newest items, place by place.
Formula caser(int64_t window, const std::vector<int64_t>& heights, bool is_minionerec,
              const torch::Tensor& x_ND) {
  return [=](const Values& p, const Row& row) {
    const torch::Tensor items = item_table(p, x_ND);
    const int64_t width = items.size(1),
                  length = std::min(window, static_cast<int64_t>(row.history.size()));
    const torch::Tensor image = torch::zeros({window, width}, torch::kFloat64);
    for (int64_t n = 0; n < length; ++n) {
      const int64_t place = is_minionerec ? n : window - length + n;
      image[place].copy_(items[row.history[row.history.size() - static_cast<size_t>(length - n)]]);
    }
    std::vector<torch::Tensor> features;
    for (const int64_t height : heights) {
      torch::Tensor highest;
      for (int64_t place = 0; place + height <= window; ++place) {
        const torch::Tensor value =
            torch::relu(linear(p, c10::str("horizontal.", height),
                               image.slice(0, place, place + height).reshape({1, -1}))[0]);
        highest = highest.defined() ? torch::maximum(highest, value) : value;
      }
      features.push_back(highest);
    }
    const torch::Tensor& filters = p.at("vertical.weight");
    for (int64_t f = 0; f < filters.size(0); ++f) {
      const torch::Tensor sum = torch::mv(image.t(), filters[f]) + p.at("vertical.bias")[f];
      features.push_back(is_minionerec ? torch::relu(sum) : sum);
    }
    torch::Tensor h = torch::cat(features);
    if (!is_minionerec) h = torch::relu(linear(p, "joined", h));
    return item_scores(p, items, h);
  };
}

std::vector<Case> caser_cases(const torch::Tensor& x_ND) {
  return {{"caser",
           {{"width", "6"}, {"window", "3"}, {"horizontal", "4"}, {"vertical", "2"}},
           caser(3, {1, 2, 3}, false, x_ND)},
          {"caser",
           {{"width", "6"}, {"window", "4"}, {"outputs", "tied"}, {"item_vectors", "add"}},
           caser(4, {1, 2, 3, 4}, false, x_ND)},
          {"caser",
           {{"width", "6"},
            {"variant", "minionerec"},
            {"window", "5"},
            {"max_length", "5"},
            {"heights", "2,3"},
            {"vertical", "1"}},
           caser(5, {2, 3}, true, x_ND),
           /*max_length=*/5}};
}

TEST(Caser, ListsAreThoseOfTheFormula) {
  RandomWorld world(/*num_items=*/19, /*num_users=*/9, /*longest=*/9, /*seed=*/8);
  for (const Case& of : caser_cases(world.x_ND)) expect_lists(world, of);
}

TEST(Caser, LossAndGradientAreThoseOfTheFormula) {
  RandomWorld world(/*num_items=*/9, /*num_users=*/3, /*longest=*/6, /*seed=*/8);
  for (const Case& of : caser_cases(world.x_ND)) expect_loss_and_gradient(world, of);
}

}  // namespace
}  // namespace tsrec::test
