// The state of a decoder-only model: keys and values of tokens that were already computed.
#pragma once

#include "tsrec/nn/model_state.hpp"

namespace tsrec::nn {

// A chain of immutable blocks, one per forward. Appending never copies keys; beams are indices of
// segments.
class KvPrefix final : public ModelState {
 public:
  struct Layer {
    torch::Tensor key, value;  // [tokens, kv heads, head width]; may carry a graph
  };
  using Block = std::vector<Layer>;

  const std::vector<std::shared_ptr<const Block>>& blocks() const { return blocks_; }
  void append(const PackedBatch& batch, std::shared_ptr<const Block> block);
  State detached() const override;

 private:
  std::vector<std::shared_ptr<const Block>> blocks_;
};

}  // namespace tsrec::nn
