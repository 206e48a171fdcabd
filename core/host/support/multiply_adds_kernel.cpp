#include "support/multiply_adds_kernel.hpp"

namespace tsrec::host {
namespace {

// In assembly, because a compiler spills some of the accumulators and measures its own stores. More
// of them than the eight to ten that are under way at once.
//
// The factors are random bits that are near 1 and 6e-8, as float32 and as two bfloat16 numbers:
// zeros draw less power and would run faster, and sums of these stay small.
constexpr int32_t kNearOne = 0x3f8a3f91, kSmall = 0x33813357;

double avx2_rounds(int64_t rounds) {
  int64_t left = rounds;
  asm volatile(
      "vzeroall\n"
      "vmovd %1,%%xmm14\n vbroadcastss %%xmm14,%%ymm14\n"
      "vmovd %2,%%xmm15\n vbroadcastss %%xmm15,%%ymm15\n"
      "1:\n"
      "vfmadd231ps %%ymm14,%%ymm15,%%ymm0\n vfmadd231ps %%ymm14,%%ymm15,%%ymm1\n"
      "vfmadd231ps %%ymm14,%%ymm15,%%ymm2\n vfmadd231ps %%ymm14,%%ymm15,%%ymm3\n"
      "vfmadd231ps %%ymm14,%%ymm15,%%ymm4\n vfmadd231ps %%ymm14,%%ymm15,%%ymm5\n"
      "vfmadd231ps %%ymm14,%%ymm15,%%ymm6\n vfmadd231ps %%ymm14,%%ymm15,%%ymm7\n"
      "vfmadd231ps %%ymm14,%%ymm15,%%ymm8\n vfmadd231ps %%ymm14,%%ymm15,%%ymm9\n"
      "vfmadd231ps %%ymm14,%%ymm15,%%ymm10\n vfmadd231ps %%ymm14,%%ymm15,%%ymm11\n"
      "dec %0\n jnz 1b\n"
      "vzeroupper\n"
      : "+r"(left)
      : "r"(kNearOne), "r"(kSmall)
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
        "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
  return 12 * 16.0 * static_cast<double>(rounds);
}

#define TSREC_24(op)                                                                           \
  op "0\n" op "1\n" op "2\n" op "3\n" op "4\n" op "5\n" op "6\n" op "7\n" op "8\n" op "9\n" op \
     "10\n" op "11\n" op "12\n" op "13\n" op "14\n" op "15\n" op "16\n" op "17\n" op "18\n" op \
     "19\n" op "20\n" op "21\n" op "22\n" op "23\n"
#define TSREC_ROUNDS(op) \
  asm volatile("vpxord %%zmm26,%%zmm26,%%zmm26\n" TSREC_24("vmovaps %%zmm26,%%zmm")            \
               "vpbroadcastd %1,%%zmm24\n vpbroadcastd %2,%%zmm25\n"                           \
               "1:\n" TSREC_24(op "%%zmm24,%%zmm25,%%zmm") "dec %0\n jnz 1b\n"                 \
               "vzeroupper\n"                                                                  \
               : "+r"(left)                                                                    \
               : "r"(kNearOne), "r"(kSmall)                                                    \
               : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
                 "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16",        \
                 "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26")

#define TSREC_AVX512 __attribute__((target("avx512f")))

TSREC_AVX512 double avx512_rounds(int64_t rounds) {
  int64_t left = rounds;
  TSREC_ROUNDS("vfmadd231ps ");
  return 24 * 32.0 * static_cast<double>(rounds);
}

TSREC_AVX512 double bfloat16_rounds(int64_t rounds) {
  int64_t left = rounds;
  TSREC_ROUNDS("vdpbf16ps ");
  return 24 * 64.0 * static_cast<double>(rounds);
}

}  // namespace

double float32_multiply_adds(int64_t rounds) {
  if (__builtin_cpu_supports("avx512f")) return avx512_rounds(rounds);
  const bool has_fma = __builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2");
  return has_fma ? avx2_rounds(rounds) : 0;
}

double bfloat16_multiply_adds(int64_t rounds) {
  const bool has_it = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bf16");
  return has_it ? bfloat16_rounds(rounds) : 0;
}

}  // namespace tsrec::host
