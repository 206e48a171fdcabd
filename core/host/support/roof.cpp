#include "support/roof.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>

#include <atomic>
#include <cmath>

#include "support/multiply_adds_kernel.hpp"
#include "support/stopwatch.hpp"
#include "tsrec/product.hpp"

namespace tsrec::host {
namespace {

// The best FLOP/s of a job, which returns its FLOPs, in so many seconds; once at least.
double best_rate(double seconds, const std::function<double()>& job) {
  const auto began = Clock::now();
  double best = 0;
  do {
    const auto start = Clock::now();
    const double flops = job();
    best = std::max(best, flops / seconds_since(start));
  } while (seconds_since(began) < seconds);
  return best;
}

constexpr double kSeconds = 0.25;

struct Factors {
  torch::Tensor a, b;
  double flops;
};

Factors factors(torch::ScalarType precision, torch::Device device) {
  // Large enough to fill the device.
  const int64_t width = device.is_cuda() ? 8192 : 1024;
  // Random numbers: a GPU multiplies constants faster, since they need less power.
  const auto random = [&](uint64_t seed) {
    return torch::randn({width, width}, at::detail::createCPUGenerator(seed)).to(device, precision);
  };
  return {random(1), random(2), 2.0 * std::pow(static_cast<double>(width), 3)};
}

double product_rate(const Factors& of) {
  return best_rate(kSeconds, [&] {
    torch::mm(of.a, of.b)[0][0].item<double>();  // waits for a device, too
    return of.flops;
  });
}

double packed_product_rate(const Factors& of) {
  const torch::Tensor packed_b = packed(of.b);
  return best_rate(kSeconds, [&] {
    packed_product(of.a, packed_b, {});
    return of.flops;
  });
}

}  // namespace

double measured_arithmetic(torch::ScalarType precision) {
  constexpr int64_t kRounds = 1'000'000;
  const auto one_core =
      precision == torch::kBFloat16 ? bfloat16_multiply_adds : float32_multiply_adds;
  return best_rate(kSeconds / 2, [&] {
    std::atomic<double> flops = 0;
    at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) flops += one_core(kRounds);
    });
    return flops.load();
  });
}

double measured_roof(torch::ScalarType precision, torch::Device device) {
  const torch::NoGradGuard no_grad;
  const Factors of = factors(precision, device);
  if (!device.is_cpu()) return product_rate(of);
  double roof = std::max(measured_arithmetic(precision), product_rate(of));
  if (can_pack(precision)) roof = std::max(roof, packed_product_rate(of));
  return roof;
}

}  // namespace tsrec::host
