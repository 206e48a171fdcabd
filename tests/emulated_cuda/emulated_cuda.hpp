// A CUDA device for machines that have none, so that what a GPU would refuse is found without one.
//
// It computes on the processor, but keeps a GPU's rules: its memory lies at addresses that no
// program can read, so that following one is a segmentation fault; an operation on tensors of
// different devices is refused; and whatever makes the program wait for the device is counted. Its
// speed means nothing, and its kernels are the processor's: rounding and memory limits of a real
// device are not emulated. Linked into a test, or put before a program with LD_PRELOAD. Where a
// real device is there, it stays away.
#pragma once

#include <cstdint>

namespace tsrec::emulated_cuda {

// Times that the program has waited for the device: numbers read back, memory copied to or from
// ordinary (not page-locked) memory, results whose size depends on their numbers.
__attribute__((visibility("default"))) int64_t num_waits();

}  // namespace tsrec::emulated_cuda
