// What two ways of computing the same are compared by.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::test {

inline torch::Tensor drawn(at::IntArrayRef sizes, uint64_t seed,
                           torch::ScalarType type = torch::kFloat32) {
  return torch::randn(sizes, at::detail::createCPUGenerator(seed), type);
}

// Of function(inputs), and of its sum with random weights by each of the inputs, in their order.
template <class Function>
std::vector<torch::Tensor> values_and_gradients(const std::vector<torch::Tensor>& inputs,
                                                const Function& function) {
  std::vector<torch::Tensor> leaves;
  for (const torch::Tensor& input : inputs) leaves.push_back(input.clone().requires_grad_());
  const torch::Tensor value = function(leaves);
  (value * drawn(value.sizes(), 9, value.scalar_type())).sum().backward();
  std::vector<torch::Tensor> all = {value.detach()};
  for (const torch::Tensor& leaf : leaves) all.push_back(leaf.grad());
  return all;
}

}  // namespace tsrec::test
