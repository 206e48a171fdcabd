// What the machine can do: arithmetic, memory, the library's matrix product, an operator's cost.
#include <ATen/Parallel.h>
#include <immintrin.h>

#include <thread>

#include "jobs.hpp"
#include "measure.hpp"

namespace tsrec::bench {
namespace {

// FLOPs of n rounds of independent multiply-adds in registers. In assembly, because a compiler
// spills some of the accumulators and measures its own stores.
using Rounds = double (*)(int64_t n);

double avx2_rounds(int64_t n) {
  asm volatile(
      "1:\n"
      "vfmadd231ps %%ymm12,%%ymm13,%%ymm0\n vfmadd231ps %%ymm12,%%ymm13,%%ymm1\n"
      "vfmadd231ps %%ymm12,%%ymm13,%%ymm2\n vfmadd231ps %%ymm12,%%ymm13,%%ymm3\n"
      "vfmadd231ps %%ymm12,%%ymm13,%%ymm4\n vfmadd231ps %%ymm12,%%ymm13,%%ymm5\n"
      "vfmadd231ps %%ymm12,%%ymm13,%%ymm6\n vfmadd231ps %%ymm12,%%ymm13,%%ymm7\n"
      "vfmadd231ps %%ymm12,%%ymm13,%%ymm8\n vfmadd231ps %%ymm12,%%ymm13,%%ymm9\n"
      "vfmadd231ps %%ymm12,%%ymm13,%%ymm10\n vfmadd231ps %%ymm12,%%ymm13,%%ymm11\n"
      "dec %0\n jnz 1b\n"
      : "+r"(n)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
        "xmm10", "xmm11");
  return 12 * 16;
}

#define TSREC_24(op)                                                                           \
  op "0\n" op "1\n" op "2\n" op "3\n" op "4\n" op "5\n" op "6\n" op "7\n" op "8\n" op "9\n" op \
     "10\n" op "11\n" op "12\n" op "13\n" op "14\n" op "15\n" op "16\n" op "17\n" op "18\n" op \
     "19\n" op "20\n" op "21\n" op "22\n" op "23\n"

__attribute__((target("avx512f"))) double avx512_rounds(int64_t n) {
  asm volatile("1:\n" TSREC_24("vfmadd231ps %%zmm24,%%zmm25,%%zmm") "dec %0\n jnz 1b\n"
               : "+r"(n)
               :
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                 "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17",
                 "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23");
  return 24 * 32;
}

__attribute__((target("avx512f"))) double bf16_rounds(int64_t n) {
  asm volatile("1:\n" TSREC_24("vdpbf16ps %%zmm24,%%zmm25,%%zmm") "dec %0\n jnz 1b\n"
               : "+r"(n)
               :
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                 "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17",
                 "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23");
  return 24 * 64;
}

// GFLOP/s of all threads together, best of three.
double arithmetic(Rounds rounds) {
  constexpr int64_t kRounds = 20'000'000;
  double best = 0;
  for (int run = 0; run < 3; ++run) {
    std::vector<std::thread> threads;
    std::vector<double> flops(static_cast<size_t>(at::get_num_threads()));
    const double before = Clock::now().wall;
    for (double& own : flops) threads.emplace_back([&] { own = rounds(kRounds) * kRounds; });
    for (std::thread& thread : threads) thread.join();
    double all = 0;
    for (const double own : flops) all += own;
    best = std::max(best, 1e-9 * all / (Clock::now().wall - before));
  }
  return best;
}

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
  if (__builtin_cpu_supports("avx512f"))
    line.set("fp32_gflops", arithmetic(avx512_rounds));
  else if (__builtin_cpu_supports("fma"))
    line.set("fp32_gflops", arithmetic(avx2_rounds));
  if (__builtin_cpu_supports("avx512bf16")) line.set("bf16_gflops", arithmetic(bf16_rounds));
  line.set("dram_read_gb_s", read_rate(int64_t{1} << 30, 1));
  line.set("l3_read_gb_s", read_rate(int64_t{1} << 24, 64));
  line.set("mm_fp32_gflops", product_rate(2048, 4864, 896, torch::kFloat32));
  line.set("mm_fp32_small_gflops", product_rate(2048, 1024, 256, torch::kFloat32));
  line.set("mm_bf16_gflops", product_rate(256, 896, 896, torch::kBFloat16));
  line.set("operator_ns", operator_nanoseconds());
  line.print();
}

}  // namespace tsrec::bench
