#include "block_product.hpp"

#include <ATen/native/CPUBlas.h>

#include "tsrec/product.hpp"

namespace tsrec {

bool has_block_product() {
#ifdef __x86_64__
  static const bool has = has_onednn() && has_avx512() &&
                          __builtin_cpu_supports("avx512bf16") != 0 &&
                          __builtin_cpu_supports("amx-bf16") == 0;
  return has;
#else
  return false;
#endif
}

void block_product(const BlockShape& shape, const Bfloat16* a, int64_t a_stride, PairedRows b,
                   bool adds, float* sum, int64_t sum_stride) {
  const auto numbers = [](const Bfloat16* x) { return reinterpret_cast<const at::BFloat16*>(x); };
  at::native::cpublas::brgemm(shape.rows, shape.columns, shape.inner, a_stride, b.stride,
                              sum_stride, adds, numbers(a), numbers(b.data), sum);
}

}  // namespace tsrec
