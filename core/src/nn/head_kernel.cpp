#include "nn/head_kernel.hpp"

#include <limits>

#include "simd.hpp"

namespace tsrec::nn {
namespace {

TSREC_SIMD float largest_of(const float* x, int64_t count) {
  float lanes[kLanes];
  for (int64_t l = 0; l < kLanes; ++l) lanes[l] = -std::numeric_limits<float>::infinity();
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t l = 0; l < kLanes; ++l) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
  }
  for (; i < count; ++i) lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
  float largest = lanes[0];
  for (int64_t l = 1; l < kLanes; ++l) largest = lanes[l] > largest ? lanes[l] : largest;
  return largest;
}

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

TSREC_SIMD void scale_softmax(float* x, int64_t count, float normalizer, float factor) {
  for (int64_t i = 0; i < count; ++i) x[i] = factor * fast_exp(x[i] - normalizer);
}

}  // namespace

void log_sum_update(const LogitTile& tile, const int64_t* label, float* largest, float* sum,
                    float* picked) {
  for (int64_t r = 0; r < tile.rows; ++r) {
    const float* logit = tile.logit + r * tile.columns;
    const float seen = largest_of(logit, tile.columns);
    if (seen > largest[r]) {
      sum[r] *= fast_exp(largest[r] - seen);
      largest[r] = seen;
    }
    sum[r] += sum_of_exp(logit, tile.columns, largest[r]);
    if (picked == nullptr) continue;
    const int64_t column = label[r] - tile.first_column;
    if (column >= 0 && column < tile.columns) picked[r] = logit[column];
  }
}

void log_softmax_gradient(const LogitTile& tile, const int64_t* label, const float* normalizer,
                          const float* gradient) {
  for (int64_t r = 0; r < tile.rows; ++r) {
    float* logit = tile.logit + r * tile.columns;
    scale_softmax(logit, tile.columns, normalizer[r], -gradient[r]);
    const int64_t column = label[r] - tile.first_column;
    if (column >= 0 && column < tile.columns) logit[column] += gradient[r];
  }
}

}  // namespace tsrec::nn
