#include "tsrec/nn/kv_prefix.hpp"

namespace tsrec::nn {

void KvPrefix::append(const PackedBatch& batch, std::shared_ptr<const Block> block) {
  for (Segment segment : batch.segments) {
    segment.begin += static_cast<int32_t>(num_tokens_);
    segments_.push_back(segment);
  }
  num_tokens_ += block->num_tokens;
  blocks_.push_back(std::move(block));
}

KvPrefix KvPrefix::detached() const {
  KvPrefix copy = *this;
  for (std::shared_ptr<const Block>& block : copy.blocks_) {
    auto plain = std::make_shared<Block>(*block);
    for (Layer& layer : plain->layers) layer = {layer.key.detach(), layer.value.detach()};
    block = std::move(plain);
  }
  return copy;
}

}  // namespace tsrec::nn
