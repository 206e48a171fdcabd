#include "tsrec/nn/transfer.hpp"

namespace tsrec::nn {

torch::Tensor to_device(const torch::Tensor& x, torch::Device device) {
  if (!x.is_cpu() || !device.is_cuda()) return x.to(device);
  return x.pin_memory().to(device, /*non_blocking=*/true);
}

}  // namespace tsrec::nn
