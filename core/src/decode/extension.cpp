#include "decode/extension.hpp"

#include "tsrec/nn/work.hpp"

namespace tsrec::decode {

nn::PackedBatch batch_of(const std::vector<Extension>& extensions, const nn::KvPrefix& prefix) {
  nn::PackedBatch batch;
  std::vector<int64_t> tokens, positions;
  for (const Extension& extension : extensions) {
    const int32_t position =
        position_after(prefix.segments()[static_cast<size_t>(extension.parent)]);
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

torch::Tensor forward(const Backbone& backbone, const nn::PackedBatch& batch, nn::KvPrefix& prefix,
                      Context& context) {
  nn::ForwardOptions options;
  options.past = prefix.num_tokens() > 0 ? &prefix : nullptr;
  options.keep = &prefix;
  nn::count_work(backbone, batch.num_tokens(), /*rows=*/0, /*columns=*/0, context);
  return backbone.hidden(batch.to(context.device()), options);
}

}  // namespace tsrec::decode
