#include "losses.hpp"

#include <cmath>

#include "tsrec/nn/cross_entropy.hpp"
#include "tsrec/product.hpp"

namespace tsrec::sequential {
namespace {

constexpr double kNever = -1e30;  // the score of a negative that is the label

// -log(e^{s+} / sum over all items e^{s}).
torch::Tensor full_softmax(const SequenceModel& model, const torch::Tensor& state_RD,
                           const torch::Tensor& label_R) {
  return nn::mean_cross_entropy(model.outputs(), state_RD, label_R);
}

torch::Tensor label_scores(const SequenceModel& model, const torch::Tensor& state_RD,
                           const torch::Tensor& label_R) {
  return (state_RD * model.outputs(label_R)).sum(1);
}

// Binary cross entropy, the mean over the label and its own negatives. With beta < 1 the label's
// probability is sigma(s+)^beta (gBCE, Petrov and Macdonald, 2023).
torch::Tensor binary_cross_entropy(const torch::Tensor& label_R, const torch::Tensor& negative_RK,
                                   double beta) {
  const torch::Tensor of_label_R = -beta * at::log_sigmoid(label_R);
  const torch::Tensor of_negatives_R = at::softplus(negative_RK).sum(1);
  return (of_label_R + of_negatives_R).mean() / static_cast<double>(1 + negative_RK.size(1));
}

// beta = a (t (1 - 1/a) + 1/a), a the share of the items that is sampled.
double calibrated_power(int64_t negatives, int64_t num_items, double calibration) {
  const double share = static_cast<double>(negatives) / static_cast<double>(num_items - 1);
  return share * (calibration * (1 - 1 / share) + 1 / share);
}

// The sum over the label and the negatives in the denominator.
torch::Tensor sampled_softmax(const torch::Tensor& label_R, const torch::Tensor& negative_RK) {
  return (at::logsumexp(at::cat({label_R.unsqueeze(1), negative_RK}, 1), 1) - label_R).mean();
}

// -log sum_j w_j sigma(s+ - s_j) + penalty sum_j w_j s_j^2, w the softmax of the negatives' scores
// (Hidasi and Karatzoglou, 2018). is_other_RK: 0 where the negative is the label, whose weight is
// 0 then.
torch::Tensor bpr_max(const torch::Tensor& label_R, const torch::Tensor& score_RK,
                      const torch::Tensor& weight_RK, double penalty) {
  const torch::Tensor wins_R = (weight_RK * at::sigmoid(label_R.unsqueeze(1) - score_RK)).sum(1);
  const torch::Tensor size_R = (weight_RK * score_RK.square()).sum(1);
  constexpr double kTiny = 1e-24;
  return (penalty * size_R - at::log(wins_R + kTiny)).mean();
}

// sum_j w_j (sigma(s_j - s+) + sigma(s_j^2)).
torch::Tensor top1_max(const torch::Tensor& label_R, const torch::Tensor& score_RK,
                       const torch::Tensor& weight_RK) {
  return (weight_RK *
          (at::sigmoid(score_RK - label_R.unsqueeze(1)) + at::sigmoid(score_RK.square())))
      .sum(1)
      .mean();
}

}  // namespace

void LossOptions::declare(Options& o) {
  o.add("loss", name)
      .one_of({"softmax", "bce", "gbce", "sampled_softmax", "bpr_max", "top1_max"})
      .help(
          "softmax: cross entropy over all items; the others score sampled negatives: binary cross "
          "entropy, the same calibrated for their number, softmax, and GRU4Rec's two");
  o.add("negatives", negatives)
      .range(1, 1 << 20)
      .unit("items")
      .help(
          "drawn uniformly: for each label by bce and gbce, for a whole batch by the others, where "
          "a label's own item does not count");
  o.add("calibration", calibration)
      .range(0, 1)
      .help("of gbce: 0 is bce, 1 has probabilities as if all items were negatives");
  o.add("score_penalty", score_penalty)
      .range(0, 100)
      .help("of bpr_max: weight of the squared scores of the negatives");
}

torch::Tensor negatives_for(const torch::Tensor& label_R, int64_t count, int64_t num_items,
                            at::Generator generator) {
  const torch::Tensor drawn_RK = torch::randint(0, num_items - 1, {label_R.size(0), count},
                                                std::move(generator), torch::kInt64);
  return drawn_RK + (drawn_RK >= label_R.unsqueeze(1));  // the label is jumped over
}

torch::Tensor loss_of(const SequenceModel& model, const torch::Tensor& state_RD,
                      const torch::Tensor& label_R, int64_t num_items, const LossOptions& options,
                      at::Generator generator) {
  if (options.name == "softmax") return full_softmax(model, state_RD, label_R);
  const torch::Tensor score_R = label_scores(model, state_RD, label_R);
  if (options.name == "bce" || options.name == "gbce") {
    const torch::Tensor negative_RK =
        negatives_for(label_R, options.negatives, num_items, std::move(generator));
    const torch::Tensor negative_score_RK =
        at::matmul(model.outputs(negative_RK), state_RD.unsqueeze(2)).squeeze(2);
    return binary_cross_entropy(
        score_R, negative_score_RK,
        options.name == "bce"
            ? 1
            : calibrated_power(options.negatives, num_items, options.calibration));
  }
  const torch::Tensor negative_K =
      torch::randint(0, num_items, {options.negatives}, std::move(generator), torch::kInt64);
  const torch::Tensor negative_score_RK = linear_product(state_RD, model.outputs(negative_K));
  const torch::Tensor is_label_RK = negative_K.unsqueeze(0) == label_R.unsqueeze(1);
  const torch::Tensor masked_RK = negative_score_RK.masked_fill(is_label_RK, kNever);
  if (options.name == "sampled_softmax") return sampled_softmax(score_R, masked_RK);
  // A label whose negatives are all itself learns nothing from them.
  const torch::Tensor weight_RK = at::softmax(masked_RK, 1).masked_fill(is_label_RK, 0);
  return options.name == "bpr_max"
             ? bpr_max(score_R, negative_score_RK, weight_RK, options.score_penalty)
             : top1_max(score_R, negative_score_RK, weight_RK);
}

}  // namespace tsrec::sequential
