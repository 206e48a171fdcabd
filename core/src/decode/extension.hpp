// New tokens behind a model's state.
#pragma once

#include "tsrec/nn/model_state.hpp"

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

nn::PackedBatch batch_of(const std::vector<Extension>& extensions, const nn::ModelState& state);

}  // namespace tsrec::decode
