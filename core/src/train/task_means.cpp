#include "tsrec/train/task_means.hpp"

#include <numeric>

namespace tsrec::train {

TaskMeans::TaskMeans(const std::vector<std::string>& task_names)
    : task_names_(task_names), sum_(task_names.size(), 0.0), count_(task_names.size(), 0.0) {}

void TaskMeans::add(int32_t task, double value) {
  sum_[static_cast<size_t>(task)] += value;
  count_[static_cast<size_t>(task)] += 1;
}

void TaskMeans::add_losses(const std::vector<nn::PackedBatch>& batches,
                           const std::vector<torch::Tensor>& log_prob_PR,
                           const std::vector<CompiledExample>& examples) {
  if (batches.empty()) return;  // rows without a label
  const torch::Tensor on_cpu = torch::cat(log_prob_PR).to(torch::kCPU, torch::kFloat32);
  const float* log_prob = on_cpu.const_data_ptr<float>();
  for (const nn::PackedBatch& batch : batches) {
    const int64_t* row = batch.row_R.const_data_ptr<int64_t>();
    for (int64_t r = 0; r < batch.row_R.size(0); ++r)
      add(examples[static_cast<size_t>(row[r])].task, -static_cast<double>(*log_prob++));
  }
}

double TaskMeans::mean() const {
  return std::accumulate(sum_.begin(), sum_.end(), 0.0) /
         std::accumulate(count_.begin(), count_.end(), 0.0);
}

Numbers TaskMeans::numbers(const std::string& name) const {
  Numbers numbers = {{name, mean(), {}}};
  for (size_t k = 0; k < sum_.size(); ++k) {
    if (count_[k] > 0) numbers.push_back({name + "." + task_names_[k], sum_[k] / count_[k], {}});
  }
  return numbers;
}

}  // namespace tsrec::train
