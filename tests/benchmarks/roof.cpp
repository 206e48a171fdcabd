// What the machine can do: arithmetic, memory, the library's matrix product, an operator's cost.
#include "support/roof.hpp"

#include <ATen/Parallel.h>

#include <thread>

#include "jobs.hpp"
#include "measure.hpp"

namespace tsrec::bench {
namespace {

// GB/s of reading `bytes` bytes, `times` times.
double read_rate(int64_t bytes, int64_t times) {
  const torch::Tensor memory = torch::rand({bytes / 4});
  const float* x = memory.const_data_ptr<float>();
  double best = 0;
  std::vector<double> sums(static_cast<size_t>(at::get_num_threads()));
  for (int run = 0; run < 4; ++run) {
    const double before = Clock::now().wall;
    std::vector<std::thread> threads;
    for (size_t t = 0; t < sums.size(); ++t) {
      threads.emplace_back([&, t] {
        const auto count = bytes / 4 / static_cast<int64_t>(sums.size());
        const float* own = x + static_cast<int64_t>(t) * count;
        float lanes[64] = {};
        for (int64_t time = 0; time < times; ++time) {
          for (int64_t i = 0; i + 64 <= count; i += 64) {
            for (int64_t l = 0; l < 64; ++l) lanes[l] += own[i + l];
          }
        }
        for (const float lane : lanes) sums[t] += lane;
      });
    }
    for (std::thread& thread : threads) thread.join();
    const double seconds = Clock::now().wall - before;
    best = std::max(best, 1e-9 * static_cast<double>(bytes * times) / seconds);
  }
  return best + 0 * sums.front();
}

double product_rate(int64_t rows, int64_t columns, int64_t inner, torch::ScalarType type) {
  const torch::Tensor a = torch::rand({rows, inner}).to(type),
                      b = torch::rand({columns, inner}).to(type);
  double best = 0;
  for (int run = 0; run < 4; ++run) {
    const double before = Clock::now().wall;
    torch::mm(a, b.t());
    const double flops = 2e-9 * static_cast<double>(rows) * static_cast<double>(columns) *
                         static_cast<double>(inner);
    best = std::max(best, flops / (Clock::now().wall - before));
  }
  return best;
}

double operator_nanoseconds() {
  torch::Tensor one = torch::ones({1});
  constexpr int kCalls = 10000;
  const double before = Clock::now().wall;
  for (int i = 0; i < kCalls; ++i) one.add_(1);
  return 1e9 * (Clock::now().wall - before) / kCalls;
}

}  // namespace

void run_roof() {
  const torch::NoGradGuard no_grad;
  Line line("roof", "machine");
  line.set("fp32_gflops", 1e-9 * host::measured_arithmetic(torch::kFloat32));
  line.set("bf16_gflops", 1e-9 * host::measured_arithmetic(torch::kBFloat16));
  line.set("dram_read_gb_s", read_rate(int64_t{1} << 30, 1));
  line.set("l3_read_gb_s", read_rate(int64_t{1} << 24, 64));
  line.set("mm_fp32_gflops", product_rate(2048, 4864, 896, torch::kFloat32));
  line.set("mm_fp32_small_gflops", product_rate(2048, 1024, 256, torch::kFloat32));
  line.set("mm_bf16_gflops", product_rate(256, 896, 896, torch::kBFloat16));
  line.set("operator_ns", operator_nanoseconds());
  line.print();
}

}  // namespace tsrec::bench
