#include "decode/extension.hpp"

namespace tsrec::decode {

nn::PackedBatch batch_of(const std::vector<Extension>& extensions, const nn::ModelState& state) {
  nn::PackedBatch batch;
  std::vector<int64_t> tokens, positions;
  for (const Extension& extension : extensions) {
    const int32_t position =
        position_after(state.segments()[static_cast<size_t>(extension.parent)]);
    batch.segments.push_back({static_cast<int32_t>(tokens.size()),
                              static_cast<int32_t>(extension.tokens.size()), extension.parent,
                              position});
    for (size_t t = 0; t < extension.tokens.size(); ++t) {
      tokens.push_back(extension.tokens[t]);
      positions.push_back(position + static_cast<int64_t>(t));
    }
  }
  batch.token_T = torch::tensor(tokens, torch::kInt64);
  batch.position_T = torch::tensor(positions, torch::kInt64);
  return batch;
}

}  // namespace tsrec::decode
