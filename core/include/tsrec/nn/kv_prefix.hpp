// Keys and values of tokens that were already computed: prompts shared by their beams, completions
// behind a prompt.
#pragma once

#include "tsrec/nn/packed_batch.hpp"

namespace tsrec::nn {

// A value: a chain of immutable blocks, one per forward. Appending never copies; beams are indices
// of segments.
class TSREC_API KvPrefix {
 public:
  struct Layer {
    torch::Tensor key, value;  // [tokens, kv heads, head width]; may carry a graph
  };
  struct Block {
    int64_t num_tokens = 0;
    std::vector<Layer> layers;
  };
  const std::vector<Segment>& segments() const {
    return segments_;
  }  // `begin` counts over all blocks
  const std::vector<std::shared_ptr<const Block>>& blocks() const { return blocks_; }
  int64_t num_tokens() const { return num_tokens_; }
  void append(const PackedBatch& batch, std::shared_ptr<const Block> block);
  KvPrefix detached() const;  // same storage, no graph

 private:
  std::vector<Segment> segments_;
  std::vector<std::shared_ptr<const Block>> blocks_;
  int64_t num_tokens_ = 0;
};

}  // namespace tsrec::nn
