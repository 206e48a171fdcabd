// Attention over a forest of segments (packed_batch.hpp).
#pragma once

#include "tsrec/nn/packed_batch.hpp"

namespace tsrec::nn {

class KvPrefix;  // keys and values behind which a batch stands, or null

struct KeyValue {
  torch::Tensor key, value;  // [tokens, kv heads, head width]
};

// Made once per forward, used by all layers; no mask, no padding. On the CPU a kernel walks each
// segment's chain of ancestors, forward and backward. On a GPU every segment is one sequence of a
// variable-length kernel: its own tokens ask, those and its ancestors' answer. Both agree with the
// formula.
class TSREC_API AttentionPlan {
 public:
  AttentionPlan(const PackedBatch& batch, const KvPrefix* past);
  ~AttentionPlan();
  // Of this layer, in each block of the past.
  std::vector<KeyValue> past(int64_t layer) const;
  // q: [T, heads, head width]; k, v: [T, kv heads, head width] -> [T, heads, head width]. Scaled by
  // 1/sqrt(head width). past: past() of the layer, or tensors of the same sizes. Gradients flow
  // into q, k, v and past.
  torch::Tensor operator()(const torch::Tensor& q_THd, const torch::Tensor& k_THd,
                           const torch::Tensor& v_THd, std::span<const KeyValue> past) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace tsrec::nn
