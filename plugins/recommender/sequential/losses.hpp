// How far a model's scores are from putting the next item first.
//
// s+ is the score of the label, s_j of a negative; all losses are means over the labels.
#pragma once

#include "model.hpp"

namespace tsrec::sequential {

struct LossOptions {
  std::string name = "softmax";
  int64_t negatives = 128;
  double calibration = 0.75, score_penalty = 1;

  void declare(Options& options);
  bool samples() const { return name != "softmax"; }
};

// Uniform over the other items: int64 [R, count], of label_R [R]. At least two items.
torch::Tensor negatives_for(const torch::Tensor& label_R, int64_t count, int64_t num_items,
                            at::Generator generator);

// A scalar. generator: of the negatives.
torch::Tensor loss_of(const SequenceModel& model, const torch::Tensor& state_RD,
                      const torch::Tensor& label_R, int64_t num_items, const LossOptions& options,
                      at::Generator generator);

}  // namespace tsrec::sequential
