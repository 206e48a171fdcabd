// The device's memory, and page-locked memory beside it.
#pragma once

#include <ATen/ATen.h>

namespace tsrec::emulated_cuda {

c10::Allocator& device_allocator();
c10::Allocator& pinned_allocator();
bool is_pinned(const void* data);

// The same memory as a tensor of the processor, which may be read and written.
at::Tensor on_host(const at::Tensor& of_device);
// A tensor of the device with the numbers, sizes and strides of one of the processor.
at::Tensor to_device(const at::Tensor& of_host);

}  // namespace tsrec::emulated_cuda
