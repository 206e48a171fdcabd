// Every loss of the sequential recommenders against its formula, over the negatives that the part
// draws. The model behind it is a GRU over histories of one item, so that it stays in the
// background.
#include "plugins/recommender/sequential_world.hpp"

namespace tsrec::test {
namespace {

constexpr int64_t kItems = 11, kNegatives = 5;

double score_of(const torch::Tensor& score_N, int64_t item) { return score_N[item].item<double>(); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// As the part draws them in its first step: for each label K others, or K for all of them.
torch::Tensor own_negatives(const torch::Tensor& label_R) {
  const torch::Tensor drawn =
      torch::randint(0, kItems - 1, {label_R.size(0), kNegatives},
                     TestContext().generator("negatives", 0), torch::kInt64);
  torch::Tensor negative = torch::empty_like(drawn);
  for (int64_t r = 0; r < drawn.size(0); ++r) {
    for (int64_t k = 0; k < kNegatives; ++k) {
      const int64_t item = drawn[r][k].item<int64_t>();
      negative[r][k] = item < label_R[r].item<int64_t>() ? item : item + 1;
    }
  }
  return negative;
}
std::vector<int64_t> shared_negatives(int64_t label) {
  const torch::Tensor drawn = torch::randint(
      0, kItems, {kNegatives}, TestContext().generator("negatives", 0), torch::kInt64);
  std::vector<int64_t> others;
  for (int64_t k = 0; k < kNegatives; ++k) {
    if (drawn[k].item<int64_t>() != label) others.push_back(drawn[k].item<int64_t>());
  }
  return others;
}

// Weights of the shared negatives: the softmax of their scores.
std::vector<double> weights(const torch::Tensor& score_N, const std::vector<int64_t>& negatives) {
  double sum = 0;
  std::vector<double> weight;
  for (const int64_t item : negatives) sum += std::exp(score_of(score_N, item));
  for (const int64_t item : negatives) weight.push_back(std::exp(score_of(score_N, item)) / sum);
  return weight;
}

// The order of labels is the batch's, which is shuffled: with one label there is one.
RandomWorld world_of_one_label() {
  RandomWorld world(kItems, /*num_users=*/1, /*longest=*/4, /*seed=*/9);
  return world;
}

LossFormula binary(double calibration, int64_t label) {
  const torch::Tensor negative = own_negatives(torch::tensor({label}))[0];
  return [=](const torch::Tensor& score_N, int64_t target, int64_t) {
    const double share = static_cast<double>(kNegatives) / (kItems - 1);
    const double beta = share * (calibration * (1 - 1 / share) + 1 / share);
    double sum = -std::log(std::pow(sigmoid(score_of(score_N, target)), beta));
    for (int64_t k = 0; k < kNegatives; ++k)
      sum -= std::log(1 - sigmoid(score_of(score_N, negative[k].item<int64_t>())));
    return sum / (1 + kNegatives);
  };
}

double softmax_over_shared(const torch::Tensor& score_N, int64_t label, int64_t) {
  double sum = std::exp(score_of(score_N, label));
  for (const int64_t item : shared_negatives(label)) sum += std::exp(score_of(score_N, item));
  return std::log(sum) - score_of(score_N, label);
}

double bpr_max(const torch::Tensor& score_N, int64_t label, int64_t) {
  const std::vector<int64_t> negatives = shared_negatives(label);
  const std::vector<double> weight = weights(score_N, negatives);
  double wins = 0, size = 0;
  for (size_t k = 0; k < negatives.size(); ++k) {
    const double score = score_of(score_N, negatives[k]);
    wins += weight[k] * sigmoid(score_of(score_N, label) - score);
    size += weight[k] * score * score;
  }
  return -std::log(wins) + 0.3 * size;
}

double top1_max(const torch::Tensor& score_N, int64_t label, int64_t) {
  const std::vector<int64_t> negatives = shared_negatives(label);
  const std::vector<double> weight = weights(score_N, negatives);
  double sum = 0;
  for (size_t k = 0; k < negatives.size(); ++k) {
    const double score = score_of(score_N, negatives[k]);
    sum += weight[k] * (sigmoid(score - score_of(score_N, label)) + sigmoid(score * score));
  }
  return sum;
}

TEST(SequentialLosses, AreThoseOfTheirFormulas) {
  RandomWorld world = world_of_one_label();
  ASSERT_EQ(world.data.train.size(), 1);
  const int64_t label = world.data.train.target(0);
  const std::vector<std::pair<std::string, LossFormula>> losses = {
      {"softmax", softmax_loss},    {"bce", binary(0, label)},
      {"gbce", binary(0.6, label)}, {"sampled_softmax", softmax_over_shared},
      {"bpr_max", bpr_max},         {"top1_max", top1_max}};
  const Formula one_step = [](const Values& p, const Row& row) {
    const int64_t width = p.at("items").size(1);
    const torch::Tensor in = linear(p, "layer.0.input", p.at("items")[row.history.front()]),
                        of = p.at("layer.0.hidden.bias");
    const auto gate = [&](const torch::Tensor& y, int64_t g) {
      return y.slice(0, g * width, (g + 1) * width);
    };
    const torch::Tensor r = torch::sigmoid(gate(in, 0) + gate(of, 0)),
                        z = torch::sigmoid(gate(in, 1) + gate(of, 1));
    const torch::Tensor n = torch::tanh(gate(in, 2) + r * gate(of, 2));
    return torch::mv(p.at("items"), (1 - z) * n);
  };
  for (const auto& [name, loss] : losses) {
    SCOPED_TRACE(name);
    expect_loss_and_gradient(world, {.part = "gru4rec",
                                     .options = {{"width", "6"},
                                                 {"loss", name},
                                                 {"negatives", std::to_string(kNegatives)},
                                                 {"calibration", "0.6"},
                                                 {"score_penalty", "0.3"}},
                                     .formula = one_step,
                                     .loss = loss});
  }
}

// A negative that is the label of a row is none for it: with one item beside the label, all losses
// over a batch's negatives are those over that item.
TEST(SequentialLosses, ALabelIsNoNegativeOfItself) {
  RandomWorld world(/*num_items=*/2, /*num_users=*/6, /*longest=*/5, /*seed=*/2);
  const Dataset seen = world.data.without_test();
  TestContext context;
  const auto part = make_part<Recommender>(
      "gru4rec", context,
      {{"loss", "bce"}, {"negatives", "3"}, {"dropout", "0"}, {"learning_rate", "0"}});
  part->fit({.data = seen, .sids = nullptr}, context);
  for (const nn::Parameter& parameter : steps_of(*part)->parameters())
    parameter.value.detach().zero_();
  steps_of(*part)->step(0, context);  // all scores are 0, and every one of four terms is log 2
  EXPECT_NEAR(context.numbers.at("train.loss").front(), std::log(2.0), 1e-6);
  const auto sampled = make_part<Recommender>(
      "gru4rec", context,
      {{"loss", "sampled_softmax"}, {"negatives", "64"}, {"dropout", "0"}, {"learning_rate", "0"}});
  sampled->fit({.data = seen, .sids = nullptr}, context);
  for (const nn::Parameter& parameter : steps_of(*sampled)->parameters())
    parameter.value.detach().zero_();
  steps_of(*sampled)->step(0, context);
  // About half of 64 negatives are the label itself, so log of about 33 and never of 65.
  EXPECT_NEAR(context.numbers.at("train.loss").back(), std::log(33.0), 0.4);
}

}  // namespace
}  // namespace tsrec::test
