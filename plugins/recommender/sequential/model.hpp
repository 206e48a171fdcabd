// What all sequential models have in common: states of tokens, and a row of outputs for each item.
#pragma once

#include "batches.hpp"
#include "items.hpp"

namespace tsrec::sequential {

// The score of an item after a token is the product of the token's state with the item's outputs.
class SequenceModel {
 public:
  SequenceModel() = default;
  SequenceModel(const SequenceModel&) = delete;
  SequenceModel& operator=(const SequenceModel&) = delete;
  virtual ~SequenceModel() = default;
  virtual const std::vector<nn::Parameter>& parameters() const = 0;
  // How an experiment says that it shall not look at times, which every batch has otherwise; null:
  // it looks at none.
  virtual const char* without_times() const { return nullptr; }
  // Sequences as states() is to see them, with labels where they are to be learnt: each at the
  // token before its item, unless the model has another way, which may draw.
  virtual Sequences to_learn(Sequences sequences, at::Generator /*generator*/) const {
    return sequences;
  }
  // The same of rows that are asked about: each keeps its one label, in their order.
  virtual Sequences to_ask(Sequences sequences) const { return sequences; }
  // [R, D] of the labelled tokens. No token sees another sequence, or the item of its own label.
  virtual torch::Tensor states(const Batch& batch, const nn::Dropout& dropout) const = 0;
  virtual torch::Tensor outputs() const = 0;                           // [N, D]
  virtual torch::Tensor outputs(const torch::Tensor& item) const = 0;  // int64 [...]: [..., D]
};

}  // namespace tsrec::sequential
