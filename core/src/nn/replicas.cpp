#include "tsrec/nn/replicas.hpp"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>

namespace tsrec::nn {

Replicas::Replicas(FlatParameters& parameters) : parameters_(parameters) {}

void Replicas::add(std::vector<Parameter> leaves) {
  const auto& originals = parameters_.parameters();
  if (leaves.size() != originals.size())
    throw Error("a replica needs the ", originals.size(), " parameters of its original, and has ",
                leaves.size());
  torch::Tensor flat = torch::zeros_like(parameters_.gradient());
  int64_t at = 0;
  for (size_t i = 0; i < leaves.size(); ++i) {
    const torch::Tensor& original = originals[i].value;
    leaves[i].value.set_data(original.detach());
    leaves[i].value.mutable_grad() =
        flat.slice(0, at, at + original.numel()).view(original.sizes());
    at += original.numel();
  }
  gradients_.push_back(std::move(flat));
}

void Replicas::zero_gradient() {
  RECORD_USER_SCOPE("Replicas");
  parameters_.zero_gradient();
  for (torch::Tensor& gradient : gradients_) gradient.zero_();
}

void Replicas::run(const std::function<void(int64_t)>& work) {
  run_workers(size(), work);
  RECORD_USER_SCOPE("Replicas");
  const torch::NoGradGuard no_grad;
  torch::Tensor sum = parameters_.gradient();
  for (const torch::Tensor& gradient : gradients_) sum.add_(gradient);
}

void run_workers(int64_t count, const std::function<void(int64_t)>& work) {
  const bool with_gradients = torch::GradMode::is_enabled();  // of this thread only
  at::parallel_for(0, count, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    const torch::AutoGradMode mode(with_gradients);
    for (int64_t worker = begin; worker < end; ++worker) work(worker);
  });
}

int64_t num_workers(torch::Device device) {
  return device.is_cpu() && !at::in_parallel_region() ? at::get_num_threads() : 1;
}

ModelWorkers::ModelWorkers(TrainableModel& model, FlatParameters& parameters, torch::Device device)
    : replicas_(parameters), models_{&model} {
  while (size() < num_workers(device)) {
    clones_.push_back(model.clone());
    models_.push_back(clones_.back().get());
    replicas_.add(clones_.back()->parameters());
  }
}

void ModelWorkers::accumulate(size_t count, const Work& work) {
  replicas_.zero_gradient();
  replicas_.run([&](int64_t worker) { parts_of(worker, count, work); });
}

void ModelWorkers::visit(size_t count, const Work& work) const {
  run_workers(size(), [&](int64_t worker) { parts_of(worker, count, work); });
}

void ModelWorkers::parts_of(int64_t worker, size_t count, const Work& work) const {
  const LanguageModel& model = *models_[static_cast<size_t>(worker)];
  for (auto part = static_cast<size_t>(worker); part < count; part += models_.size())
    work(model, part);
}

}  // namespace tsrec::nn
