#include "nn/leaf_gradient.hpp"

#include <torch/csrc/autograd/graph_task.h>
#include <torch/csrc/autograd/variable.h>

namespace tsrec::nn {
namespace {

// Autograd knows what it computes for: where it was asked for certain tensors, it says which.
bool keeps_all_gradients() {
  const auto* asked = torch::autograd::get_current_graph_task_exec_info();
  return asked == nullptr || asked->empty();
}

}  // namespace

LeafGradient::LeafGradient(const torch::Tensor& parameter) {
  const torch::Tensor kept = parameter.is_leaf() ? parameter.grad() : torch::Tensor();
  is_added_ = kept.defined() && kept.is_contiguous() &&
              kept.scalar_type() == parameter.scalar_type() && !kept.requires_grad() &&
              keeps_all_gradients() && torch::autograd::impl::hooks(parameter).empty();
  sum_ = is_added_ ? kept : torch::zeros_like(parameter, at::MemoryFormat::Contiguous);
}

}  // namespace tsrec::nn
