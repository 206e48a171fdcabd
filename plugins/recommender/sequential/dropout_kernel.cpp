#include "dropout_kernel.hpp"

#include "simd.hpp"

namespace tsrec::sequential {

SEQUENTIAL_SIMD void drop(const Dropout& dropout, const float* x, int64_t first, int64_t count,
                          float* y) {
  const Dropout of = dropout;  // y may not change it
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] * kept_scale(of, first + i);
}

}  // namespace tsrec::sequential
