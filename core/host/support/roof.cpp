#include "support/roof.hpp"

#include <chrono>

namespace tsrec::host {

double measured_roof(torch::ScalarType precision, torch::Device device) {
  constexpr int64_t kWidth = 1024;
  constexpr double kFlops = 2.0 * kWidth * kWidth * kWidth, kSeconds = 0.25;
  const auto options = torch::TensorOptions().dtype(precision).device(device);
  const torch::Tensor a = torch::full({kWidth, kWidth}, 0.5, options), b = a.t().contiguous();
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point then) {
    return std::chrono::duration<double>(Clock::now() - then).count();
  };
  const auto began = Clock::now();
  double best = 0;
  while (best == 0 || seconds_since(began) < kSeconds) {
    const auto start = Clock::now();
    torch::mm(a, b)[0][0].item<double>();  // waits for a device, too
    best = std::max(best, kFlops / seconds_since(start));
  }
  return best;
}

}  // namespace tsrec::host
