// Several workers that compute parts of one gradient at the same time.
//
// A small model's operators are too short to be split over threads: half of the time goes into
// starting and joining them. Here every thread runs whole forward and backward passes instead, on
// leaves of its own over the same weights.
#pragma once

#include "tsrec/nn/optimizer.hpp"

namespace tsrec::nn {

class TSREC_API Replicas {
 public:
  // Worker 0 is the model behind `parameters`, which must outlive this.
  explicit Replicas(FlatParameters& parameters);
  // A clone's leaves, in the order of the parameters: their values become the original's memory,
  // their gradients stay their own.
  void add(std::vector<Parameter> leaves);
  int64_t size() const { return 1 + static_cast<int64_t>(gradients_.size()); }
  void zero_gradient();
  // Calls work(worker) for all workers at the same time, with gradients enabled as they are here,
  // then adds the workers' gradients to the original's, in their order.
  void run(const std::function<void(int64_t)>& work);

 private:
  FlatParameters& parameters_;
  std::vector<torch::Tensor> gradients_;
};

// Calls work(worker) for workers 0 .. count - 1 at the same time, with gradients enabled as they
// are here; operators inside stay on their worker's thread. An exception of one is thrown here.
TSREC_API void run_workers(int64_t count, const std::function<void(int64_t)>& work);

// Workers that pay off: the threads of a CPU; one elsewhere, and inside another worker.
TSREC_API int64_t num_workers(torch::Device device);

// A model (Backbone or CausalLm) and a clone for every other worker: the parts of a batch are
// computed side by side, part p by worker p modulo their number.
template <class Model>
class ModelWorkers {
 public:
  // Both must outlive this.
  ModelWorkers(Model& model, FlatParameters& parameters, torch::Device device)
      : replicas_(parameters), models_{&model} {
    while (size() < num_workers(device)) {
      clones_.push_back(clone_of(model));
      models_.push_back(clones_.back().get());
      replicas_.add(clones_.back()->parameters());
    }
  }

  int64_t size() const { return static_cast<int64_t>(models_.size()); }

  // The gradient becomes the sum of what work(model, part) adds to the model's, parts 0 .. count-1.
  template <class Work>
  void accumulate(size_t count, const Work& work) {
    replicas_.zero_gradient();
    replicas_.run([&](int64_t worker) { parts_of(worker, count, work); });
  }

  // The same without touching gradients.
  template <class Work>
  void visit(size_t count, const Work& work) const {
    run_workers(size(), [&](int64_t worker) { parts_of(worker, count, work); });
  }

 private:
  static std::unique_ptr<Model> clone_of(const Model& model) {
    if constexpr (std::is_same_v<decltype(model.clone()), Model>) {
      return std::make_unique<Model>(model.clone());
    } else {
      return model.clone();
    }
  }

  template <class Work>
  void parts_of(int64_t worker, size_t count, const Work& work) const {
    const Model& model = *models_[static_cast<size_t>(worker)];
    for (auto part = static_cast<size_t>(worker); part < count; part += models_.size())
      work(model, part);
  }

  Replicas replicas_;
  std::vector<std::unique_ptr<Model>> clones_;
  std::vector<const Model*> models_;  // one for each worker
};

}  // namespace tsrec::nn
