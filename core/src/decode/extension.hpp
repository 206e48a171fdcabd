// New tokens behind keys and values that exist already.
#pragma once

#include "tsrec/context.hpp"
#include "tsrec/parts/backbone.hpp"

namespace tsrec::decode {

// One new segment behind an existing one.
struct Extension {
  int32_t parent = -1;
  std::vector<int32_t> tokens;
};

// Position that follows a segment's last token.
inline int32_t position_after(const nn::Segment& segment) {
  return segment.position + segment.length;
}

nn::PackedBatch batch_of(const std::vector<Extension>& extensions, const nn::KvPrefix& prefix);

// [T, D] of the batch, whose keys and values are appended to `prefix`.
torch::Tensor forward(const Backbone& backbone, const nn::PackedBatch& batch, nn::KvPrefix& prefix,
                      Context& context);

}  // namespace tsrec::decode
