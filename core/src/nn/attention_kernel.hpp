// Attention of one head over one segment, on plain float32 memory.
#pragma once

#include <cstdint>

namespace tsrec::nn {

// A run of keys and values: `length` rows, `stride` floats apart. The gradients have the same
// layout (null in forward).
struct KeyRun {
  const float* key;
  const float* value;
  float* key_gradient;
  float* value_gradient;
  int64_t length;
};

// A segment: `length` queries that see all keys of `past` runs, and of `own` (length rows) those up
// to themselves.
struct SegmentHead {
  const KeyRun* past;
  int64_t num_past;
  KeyRun own;
  int64_t key_stride;    // floats between rows of keys and values
  int64_t query_stride;  // floats between rows of queries, outputs and their gradients
  int64_t width;         // of a head
  float scale;
};

// Floats of scratch memory that a segment with that many keys needs.
int64_t attention_scratch(int64_t num_keys, int64_t width);

// out = softmax(scale q k') v; log_sum: one number per query, `log_sum_stride` apart, kept for
// backward.
void attention_forward(const SegmentHead& segment, const float* query, float* out, float* log_sum,
                       int64_t log_sum_stride, float* scratch);
// Adds to the gradients of queries, keys and values.
void attention_backward(const SegmentHead& segment, const float* query, const float* out,
                        const float* log_sum, int64_t log_sum_stride, const float* out_gradient,
                        float* query_gradient, float* scratch);

}  // namespace tsrec::nn
