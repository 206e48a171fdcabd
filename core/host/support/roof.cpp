#include "support/roof.hpp"

#include <ATen/CPUGeneratorImpl.h>

#include <chrono>
#include <cmath>

namespace tsrec::host {

double measured_roof(torch::ScalarType precision, torch::Device device) {
  // Large enough to fill the device.
  const int64_t width = device.is_cuda() ? 8192 : 1024;
  const double flops = 2.0 * std::pow(static_cast<double>(width), 3);
  constexpr double kSeconds = 0.25;
  // Random numbers: a GPU multiplies constants faster, since they need less power.
  const auto random = [&](uint64_t seed) {
    return torch::randn({width, width}, at::detail::createCPUGenerator(seed)).to(device, precision);
  };
  const torch::Tensor a = random(1), b = random(2);
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point then) {
    return std::chrono::duration<double>(Clock::now() - then).count();
  };
  const auto began = Clock::now();
  double best = 0;
  while (best == 0 || seconds_since(began) < kSeconds) {
    const auto start = Clock::now();
    torch::mm(a, b)[0][0].item<double>();  // waits for a device, too
    best = std::max(best, flops / seconds_since(start));
  }
  return best;
}

}  // namespace tsrec::host
