// AdamW over flat buffers, learning-rate schedules, gradient clipping.
#pragma once

#include "tsrec/nn/parameter.hpp"

namespace tsrec::nn {

// Moves all values and all gradients into two flat buffers (in the parameters' order): one norm,
// one zero, one update. The parameters stay the same tensors; their memory becomes a view of the
// buffer.
class TSREC_API FlatParameters {
 public:
  explicit FlatParameters(std::vector<Parameter> parameters);
  torch::Tensor value() const { return value_; }        // flat, in the parameters' type
  torch::Tensor gradient() const { return gradient_; }  // the same for the gradients
  void zero_gradient();
  // Scales to the norm when above it, and returns the norm before. One that is not finite is
  // returned as it is, and nothing is scaled.
  double clip(double max_norm);
  const std::vector<Parameter>& parameters() const { return parameters_; }

 private:
  std::vector<Parameter> parameters_;
  torch::Tensor value_, gradient_;
};

struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  // false: master weights and moments in the parameters' own type, as the reference code trains in
  // bfloat16. Updates below 2^-9 of a weight are then lost.
  bool float32_state = true;
};

// Decoupled weight decay (Loshchilov and Hutter, 2019).
class TSREC_API AdamW {
 public:
  AdamW(FlatParameters& parameters, const AdamWOptions& options);
  void step(double learning_rate);
  void save(ArtifactWriter& writer) const;
  void load(const ArtifactReader& reader);

 private:
  FlatParameters& parameters_;
  AdamWOptions options_;
  // flat; the master of parameters of the same type is their own memory
  torch::Tensor master_, m_, v_;
  int64_t steps_ = 0;
};

// Learning-rate factor in [floor, 1]: linear warm-up, then "linear" to 0, "cosine" to floor, or
// "constant".
struct TSREC_API Schedule {
  std::string shape = "linear";
  int64_t warmup = 0;
  double floor = 0;
  double at(int64_t step, int64_t num_steps) const;
};

}  // namespace tsrec::nn
