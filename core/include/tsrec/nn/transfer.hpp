// Moves tensors to the device of a model.
#pragma once

#include "tsrec/error.hpp"

namespace tsrec::nn {

// x on the device. A copy to a GPU goes through page-locked memory, so that the program does not
// wait for it: what is computed there afterwards sees the copy.
TSREC_API torch::Tensor to_device(const torch::Tensor& x, torch::Device device);

}  // namespace tsrec::nn
