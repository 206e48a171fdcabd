// Attention over packed sequences, as the CUDA kernels define it; LibTorch has no such kernel for
// the processor.
#pragma once

#include <torch/library.h>

namespace tsrec::emulated_cuda {

void attach_attention(torch::Library& aten);

}  // namespace tsrec::emulated_cuda
