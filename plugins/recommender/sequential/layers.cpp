#include "layers.hpp"

#include <cmath>

#include "tsrec/product.hpp"

namespace tsrec::sequential {

torch::Tensor Parameters::add(std::string name, const torch::Tensor& value) {
  all_.push_back({std::move(name), value.detach().requires_grad_(), /*decays=*/value.dim() > 1});
  return all_.back().value;
}

torch::Tensor Parameters::normal(std::string name, at::IntArrayRef shape, double deviation) {
  return add(std::move(name), torch::empty(shape).normal_(0, deviation, generator()));
}

torch::Tensor Parameters::xavier(std::string name, int64_t out, int64_t in) {
  const double limit = std::sqrt(6.0 / static_cast<double>(in + out));
  return add(std::move(name), torch::empty({out, in}).uniform_(-limit, limit, generator()));
}

torch::Tensor Parameters::constant(std::string name, int64_t size, double value) {
  return add(std::move(name), torch::full({size}, value, torch::kFloat32));
}

Linear::Linear(Parameters& parameters, const std::string& name, int64_t in, int64_t out)
    : weight(parameters.xavier(name + ".weight", out, in)),
      bias(parameters.constant(name + ".bias", out, 0)) {}

torch::Tensor Linear::operator()(const torch::Tensor& x) const {
  return linear_product(x, weight, bias);
}

LayerNorm::LayerNorm(Parameters& parameters, const std::string& name, int64_t width)
    : weight(parameters.constant(name + ".weight", width, 1)),
      bias(parameters.constant(name + ".bias", width, 0)) {}

torch::Tensor LayerNorm::operator()(const torch::Tensor& x) const {
  constexpr double kNormEps = 1e-8;  // as both published implementations have it
  return at::layer_norm(x, {weight.size(0)}, weight, bias, kNormEps);
}

}  // namespace tsrec::sequential
