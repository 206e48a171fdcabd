#include "nn/head_kernel.hpp"

namespace tsrec::nn {
namespace {

template <class T>
TSREC_SIMD float largest_logit(const T* x, int64_t count) {
  return largest_of(x, count);
}

template <class T>
TSREC_SIMD float sum_of_exp(const T* x, int64_t count, float shift) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += fast_exp(widened(x[i + l]) - shift);
  }
  float sum = lane_sum(lanes);
  for (; i < count; ++i) sum += fast_exp(widened(x[i]) - shift);
  return sum;
}

template <class T>
TSREC_SIMD void scale_softmax(T* x, int64_t count, float normalizer, float factor) {
  for (int64_t i = 0; i < count; ++i) store(factor * fast_exp(widened(x[i]) - normalizer), x[i]);
}

}  // namespace

template <class T>
void log_sum_update(const LogitTile<T>& tile, const int64_t* label, float* largest, float* sum,
                    float* picked) {
  for (int64_t r = 0; r < tile.rows; ++r) {
    const T* logit = tile.logit + r * tile.columns;
    const float seen = largest_logit(logit, tile.columns);
    if (seen > largest[r]) {
      sum[r] *= fast_exp(largest[r] - seen);
      largest[r] = seen;
    }
    sum[r] += sum_of_exp(logit, tile.columns, largest[r]);
    if (picked == nullptr) continue;
    const int64_t column = label[r] - tile.first_column;
    if (column >= 0 && column < tile.columns) picked[r] = widened(logit[column]);
  }
}

template <class T>
void log_softmax_gradient(const LogitTile<T>& tile, const int64_t* label, const float* normalizer,
                          const float* gradient) {
  for (int64_t r = 0; r < tile.rows; ++r) {
    T* logit = tile.logit + r * tile.columns;
    scale_softmax(logit, tile.columns, normalizer[r], -gradient[r]);
    const int64_t column = label[r] - tile.first_column;
    if (column >= 0 && column < tile.columns)
      store(widened(logit[column]) + gradient[r], logit[column]);
  }
}

#define TSREC_INSTANTIATE(T)                                                                 \
  template void log_sum_update(const LogitTile<T>&, const int64_t*, float*, float*, float*); \
  template void log_softmax_gradient(const LogitTile<T>&, const int64_t*, const float*,      \
                                     const float*);
TSREC_INSTANTIATE(float)
TSREC_INSTANTIATE(Bfloat16)
#undef TSREC_INSTANTIATE

}  // namespace tsrec::nn
