// Means over the labels of a batch or a validation, all together and task by task.
#pragma once

#include "tsrec/evaluation.hpp"
#include "tsrec/nn/packed_batch.hpp"
#include "tsrec/prompt.hpp"

namespace tsrec::train {

class TSREC_API TaskMeans {
 public:
  explicit TaskMeans(const std::vector<std::string>& task_names);
  void add(int32_t task, double value);
  // -log p of every label. log_prob_PR: of each batch's labels, on any device, which is waited for
  // here and at no batch before. examples: those that the batches were packed from.
  void add_losses(const std::vector<nn::PackedBatch>& batches,
                  const std::vector<torch::Tensor>& log_prob_PR,
                  const std::vector<CompiledExample>& examples);
  double mean() const;  // of all values, whatever their task; NaN without any
  // `name` is the mean, `name`.<task> that of a task; tasks without a value are left out.
  Numbers numbers(const std::string& name) const;

 private:
  std::vector<std::string> task_names_;
  std::vector<double> sum_, count_;
};

}  // namespace tsrec::train
