// The small layers that the models are made of, and the parameters that they are made of.
#pragma once

#include "tsrec/context.hpp"
#include "tsrec/nn/dropout.hpp"
#include "tsrec/nn/parameter.hpp"

namespace tsrec::sequential {

// Makes the parameters of a model, in the order in which they are asked for; each draws from a
// stream of its own.
class Parameters {
 public:
  explicit Parameters(Context& context) : context_(context) {}
  torch::Tensor normal(std::string name, at::IntArrayRef shape, double deviation);
  // Uniform in +-sqrt(6 / (in + out)) (Glorot and Bengio, 2010), for a weight [out, in].
  torch::Tensor xavier(std::string name, int64_t out, int64_t in);
  torch::Tensor constant(std::string name, int64_t size, double value);
  const std::vector<nn::Parameter>& all() const { return all_; }

 private:
  torch::Tensor add(std::string name, const torch::Tensor& value);
  at::Generator generator() { return context_.generator("weights", std::ssize(all_)); }
  Context& context_;
  std::vector<nn::Parameter> all_;
};

struct Linear {
  Linear() = default;
  Linear(Parameters& parameters, const std::string& name, int64_t in, int64_t out);
  torch::Tensor operator()(const torch::Tensor& x) const;
  torch::Tensor weight, bias;
};

struct LayerNorm {
  LayerNorm() = default;
  LayerNorm(Parameters& parameters, const std::string& name, int64_t width);
  torch::Tensor operator()(const torch::Tensor& x) const;
  torch::Tensor weight, bias;
};

}  // namespace tsrec::sequential
