// Attention of one head over one segment, on plain memory; here in float32, and in bfloat16 where
// the processor multiplies such pairs (attention_dot_kernel.hpp).
#pragma once

#include "simd.hpp"

namespace tsrec::nn {

// A run of keys and values: `length` rows of numbers of type T, float or Bfloat16. The gradients
// are null in forward.
template <class T>
struct KeyRun {
  const T* key;
  const T* value;
  float* key_gradient;
  float* value_gradient;
  int64_t length;
};

// A segment: `length` queries that see all keys of `past` runs, and of `own` (length rows) those up
// to themselves.
template <class T>
struct SegmentHead {
  const KeyRun<T>* past;
  int64_t num_past;
  KeyRun<T> own;
  int64_t key_stride;       // numbers between rows of keys and values
  int64_t gradient_stride;  // floats between rows of their gradients
  int64_t query_stride;     // numbers between rows of queries, outputs and their gradients
  int64_t width;            // of a head
  float scale;
};

template <class T>
int64_t num_keys(const SegmentHead<T>& s) {
  int64_t keys = s.own.length;
  for (int64_t p = 0; p < s.num_past; ++p) keys += s.past[p].length;
  return keys;
}
template <class T>
const KeyRun<T>& run_at(const SegmentHead<T>& s, int64_t p) {
  return p < s.num_past ? s.past[p] : s.own;
}

// Memory for the segments of one head, visited one after the other; it begins with zeros. packed:
// keys and values as the products read them, of which those that a segment shares with the one
// before it are there already. work: what one call needs, of any head.
struct AttentionScratch {
  float* packed;
  float* work;
  int64_t most_keys;  // of any segment
  int64_t ready = 0;  // keys that the next segment finds in place
};
struct AttentionScratchFloats {
  int64_t packed, work;
};
template <class T>
AttentionScratchFloats attention_scratch_floats(int64_t most_keys, int64_t width);
template <>
AttentionScratchFloats attention_scratch_floats<float>(int64_t most_keys, int64_t width);

// out = softmax(scale q k') v; log_sum: one number per query, `log_sum_stride` apart, kept for
// backward.
void attention_forward(const SegmentHead<float>& segment, const float* query, float* out,
                       float* log_sum, int64_t log_sum_stride, const AttentionScratch& scratch);
// Writes the gradient of queries, adds to those of keys and values.
void attention_backward(const SegmentHead<float>& segment, const float* query, const float* out,
                        const float* log_sum, int64_t log_sum_stride, const float* out_gradient,
                        float* query_gradient, const AttentionScratch& scratch);

}  // namespace tsrec::nn
