// Attention over a forest of segments (packed_batch.hpp).
#pragma once

#include "tsrec/nn/packed_batch.hpp"

namespace tsrec::nn {

class KvPrefix;  // keys and values behind which a batch stands, or null

// Made once per forward, used by all layers; no mask, no padding. On the CPU a kernel walks each
// segment's chain of ancestors, forward and backward. On a GPU every segment is one sequence of a
// variable-length kernel: its own tokens ask, those and its ancestors' answer. Both agree with the
// formula.
class TSREC_API AttentionPlan {
 public:
  AttentionPlan(const PackedBatch& batch, const KvPrefix* past);
  ~AttentionPlan();
  // q: [T, heads, head width]; k, v: [T, kv heads, head width] -> [T, heads, head width]. Scaled by
  // 1/sqrt(head width). Gradients flow into q, k, v and into the past's tensors of this layer.
  torch::Tensor operator()(const torch::Tensor& q_THd, const torch::Tensor& k_THd,
                           const torch::Tensor& v_THd, int64_t layer) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace tsrec::nn
