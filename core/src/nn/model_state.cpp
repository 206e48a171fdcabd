#include "tsrec/nn/model_state.hpp"

namespace tsrec::nn {

ModelState::~ModelState() = default;

void ModelState::append(const PackedBatch& batch) {
  for (Segment segment : batch.segments) {
    segment.begin += static_cast<int32_t>(num_tokens_);
    segments_.push_back(segment);
  }
  num_tokens_ += batch.num_tokens();
}

}  // namespace tsrec::nn
