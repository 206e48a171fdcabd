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

// Memory for the segments of one head, visited one after the other. It holds the keys (in backward
// the values too) as columns: those that a segment shares with the one before it are there already.
struct AttentionScratch {
  float* memory;
  int64_t most_keys;  // of any segment: the distance between rows of columns
  int64_t ready = 0;  // columns that the next segment finds in place
};
int64_t attention_scratch_floats(int64_t most_keys, int64_t width);

// out = softmax(scale q k') v; log_sum: one number per query, `log_sum_stride` apart, kept for
// backward.
void attention_forward(const SegmentHead& segment, const float* query, float* out, float* log_sum,
                       int64_t log_sum_stride, const AttentionScratch& scratch);
// Adds to the gradients of queries, keys and values.
void attention_backward(const SegmentHead& segment, const float* query, const float* out,
                        const float* log_sum, int64_t log_sum_stride, const float* out_gradient,
                        float* query_gradient, const AttentionScratch& scratch);

}  // namespace tsrec::nn
