#include "nn/kv_prefix.hpp"

namespace tsrec::nn {

void KvPrefix::append(const PackedBatch& batch, std::shared_ptr<const Block> block) {
  ModelState::append(batch);
  blocks_.push_back(std::move(block));
}

State KvPrefix::detached() const {
  auto copy = std::make_shared<KvPrefix>(*this);
  for (std::shared_ptr<const Block>& block : copy->blocks_) {
    auto plain = std::make_shared<Block>(*block);
    for (Layer& layer : *plain) layer = {layer.key.detach(), layer.value.detach()};
    block = std::move(plain);
  }
  return copy;
}

}  // namespace tsrec::nn
