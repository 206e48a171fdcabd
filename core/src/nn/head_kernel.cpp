#include "nn/head_kernel.hpp"

#include <cmath>
#include <numeric>

#include "nn/float_row.hpp"

namespace tsrec::nn {
namespace {

TSREC_SIMD float largest_logit(const float* x, int64_t count) { return largest_of(x, count); }

TSREC_SIMD float sum_of_exp(const float* x, int64_t count, float shift) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] += fast_exp(x[i + l] - shift);
  }
  float sum = lane_sum(lanes);
  for (; i < count; ++i) sum += fast_exp(x[i] - shift);
  return sum;
}

// x <- exp(x - shift); returns their sum.
TSREC_SIMD float exponentials(float* x, int64_t count, float shift) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) {
      x[i + l] = fast_exp(x[i + l] - shift);
      lanes[l] += x[i + l];
    }
  }
  float sum = lane_sum(lanes);
  for (; i < count; ++i) {
    x[i] = fast_exp(x[i] - shift);
    sum += x[i];
  }
  return sum;
}

TSREC_SIMD void scale_softmax(float* x, int64_t count, float normalizer, float factor) {
  for (int64_t i = 0; i < count; ++i) x[i] = factor * fast_exp(x[i] - normalizer);
}

}  // namespace

template <class T>
void log_sum_update(const LogitTile<T>& tile, const RowLabels& labels, float* largest, float* sum,
                    float* picked) {
  FloatRow<T> row(tile.columns);
  for (int64_t r = 0; r < tile.rows; ++r) {
    const float* logit = row.read(tile.logit + r * tile.columns);
    const float seen = largest_logit(logit, tile.columns);
    if (seen > largest[r]) {
      sum[r] *= fast_exp(largest[r] - seen);
      largest[r] = seen;
    }
    sum[r] += sum_of_exp(logit, tile.columns, largest[r]);
    if (picked == nullptr) continue;
    for (int64_t n = labels.first[r]; n < labels.first[r + 1]; ++n) {
      const int64_t column = labels.label[n] - tile.first_column;
      if (column >= 0 && column < tile.columns) picked[n] = logit[column];
    }
  }
}

template <class T>
void log_softmax_gradient(const LogitTile<T>& tile, const RowLabels& labels,
                          const float* normalizer, const float* gradient) {
  FloatRow<T> row(tile.columns);
  for (int64_t r = 0; r < tile.rows; ++r) {
    const int64_t begin = labels.first[r], end = labels.first[r + 1];
    T* stored = tile.logit + r * tile.columns;
    float* logit = row.change(stored);
    scale_softmax(logit, tile.columns, normalizer[r],
                  -std::accumulate(gradient + begin, gradient + end, 0.0f));
    for (int64_t n = begin; n < end; ++n) {
      const int64_t column = labels.label[n] - tile.first_column;
      if (column >= 0 && column < tile.columns) logit[column] += gradient[n];
    }
    row.store(stored);
  }
}

void softmax_errors(const LogitTile<float>& tile, const int64_t* label, float* sum,
                    float* log_prob) {
  for (int64_t r = 0; r < tile.rows; ++r) {
    float* logit = tile.logit + r * tile.columns;
    const float largest = largest_logit(logit, tile.columns);
    const float own = logit[label[r]] - largest;
    sum[r] = exponentials(logit, tile.columns, largest);
    logit[label[r]] -= sum[r];
    log_prob[r] = own - std::log(sum[r]);
  }
}

#define TSREC_INSTANTIATE(T)                                                                   \
  template void log_sum_update(const LogitTile<T>&, const RowLabels&, float*, float*, float*); \
  template void log_softmax_gradient(const LogitTile<T>&, const RowLabels&, const float*,      \
                                     const float*);
TSREC_INSTANTIATE(float)
TSREC_INSTANTIATE(Bfloat16)
#undef TSREC_INSTANTIATE

}  // namespace tsrec::nn
