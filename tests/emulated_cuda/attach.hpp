// Makes the device known to LibTorch.
#pragma once

namespace tsrec::emulated_cuda {

void attach_device();
void attach_operators();

}  // namespace tsrec::emulated_cuda
