// Several workers that compute parts of one gradient at the same time.
//
// A small model's operators are too short to be split over threads: half of the time goes into
// starting and joining them. Here every thread runs whole forward and backward passes instead, on
// leaves of its own over the same weights.
#pragma once

#include "tsrec/nn/optimizer.hpp"
#include "tsrec/nn/trainable_model.hpp"

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

// A model and a clone for every other worker: the parts of a batch are computed side by side, part
// p by worker p modulo their number.
class TSREC_API ModelWorkers {
 public:
  using Work = std::function<void(const LanguageModel& model, size_t part)>;

  // Both must outlive this.
  ModelWorkers(TrainableModel& model, FlatParameters& parameters, torch::Device device);

  int64_t size() const { return static_cast<int64_t>(models_.size()); }
  // The gradient becomes the sum of what work(model, part) adds to the model's, parts 0 .. count-1.
  void accumulate(size_t count, const Work& work);
  // The same without touching gradients.
  void visit(size_t count, const Work& work) const;

 private:
  void parts_of(int64_t worker, size_t count, const Work& work) const;

  Replicas replicas_;
  std::vector<std::unique_ptr<TrainableModel>> clones_;
  std::vector<const LanguageModel*> models_;  // one for each worker
};

}  // namespace tsrec::nn
