// Kernels of a GPU and how long they ran, as LibTorch's profiler (Kineto) sees them.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace tsrec::bench {

struct KernelTime {
  std::string name;
  double seconds = 0;  // of all calls
  int64_t calls = 0;
};

// What ran on the device while `job` did, copies included; the longest first. Waits for it.
std::vector<KernelTime> kernel_times(const std::function<void()>& job);

}  // namespace tsrec::bench
