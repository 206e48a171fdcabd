// From gradients to new weights: the one way in which everything that trains here moves its
// parameters.
#pragma once

#include "tsrec/context.hpp"
#include "tsrec/nn/replicas.hpp"
#include "tsrec/options.hpp"

namespace tsrec::train {

// A trainer keeps one with its own defaults among its settings, and declares it with them.
struct TSREC_API UpdaterOptions {
  double learning_rate = 3e-4;
  std::string schedule = "linear";
  int64_t warmup_steps = 0;
  double floor = 0, weight_decay = 0, beta2 = 0.999, clip = 1;
  bool master_weights = true;

  void declare(Options& options);
};

// The option "checkpoint" of trainers that hand it to their forwards (nn::ForwardOptions).
TSREC_API void declare_checkpoint(Options& options, bool& checkpoint);

// AdamW over flat parameters, with the schedule, clipping and the guard against NaN. The only place
// where gradients of several processes are summed.
class TSREC_API Updater {
 public:
  // The learning rate runs through its schedule in num_steps. All processes of the context's world
  // begin with the values of the first.
  Updater(std::vector<nn::Parameter> parameters, const UpdaterOptions& options, int64_t num_steps,
          Context& context);
  Updater(const Updater&) = delete;
  Updater& operator=(const Updater&) = delete;

  const std::vector<nn::Parameter>& parameters() const { return flat_.parameters(); }
  // The gradient becomes that of the loss, a scalar.
  void backward(const torch::Tensor& loss);
  // Sums the gradients of all processes, and moves the weights against the sum. loss: this
  // process's, rows: what its gradient was computed from. A loss or a gradient that is not finite
  // is an Error that names step, rows and the first parameter concerned; the weights are as before.
  void update(int64_t step, double loss, std::span<const int64_t> rows, Context& context);
  // "train.gradient_norm" (before clipping) and "train.learning_rate" of the last update.
  void report(int64_t step, Context& context) const;

  // All that the weights do not hold.
  void save(ArtifactWriter& writer) const { optimizer_.save(writer); }
  void load(const ArtifactReader& reader) { optimizer_.load(reader); }

 protected:
  nn::FlatParameters& flat() { return flat_; }
  const UpdaterOptions& options() const { return options_; }

 private:
  [[noreturn]] void refuse(int64_t step, double loss, std::span<const int64_t> rows) const;

  UpdaterOptions options_;
  int64_t num_steps_;
  nn::FlatParameters flat_;
  nn::AdamW optimizer_;
  double gradient_norm_ = 0, learning_rate_ = 0;
};

// An updater of a model whose batches are cut into parts that workers compute side by side.
class TSREC_API ModelUpdater : public Updater {
 public:
  // The model must outlive this.
  ModelUpdater(nn::TrainableModel& model, const UpdaterOptions& options, int64_t num_steps,
               Context& context);

  int64_t num_workers() const { return workers_.size(); }
  // Counts as "predicted_memory" the main memory that training takes under this load: the most of
  // all steps so far. Says at the first step what it consists of. Workers and the optimizer's state
  // are filled in. Elsewhere than on the processor, and for models whose memory nobody knows,
  // nothing happens.
  void predict_memory(nn::TrainingLoad load, Context& context);
  // The gradient becomes the sum of what work(model, part) adds to the model's, parts 0 .. count-1.
  void accumulate(size_t count, const nn::ModelWorkers::Work& work) {
    workers_.accumulate(count, work);
  }
  // The same without touching gradients.
  void visit(size_t count, const nn::ModelWorkers::Work& work) const {
    workers_.visit(count, work);
  }

 private:
  std::optional<nn::ModelMemory> memory_;
  nn::ModelWorkers workers_;
  int64_t predicted_ = 0;
};

}  // namespace tsrec::train
