#include "tsrec/nn/language_model.hpp"

#include "tsrec/nn/transfer.hpp"
#include "tsrec/nn/work.hpp"

namespace tsrec::nn {

LanguageModel::~LanguageModel() = default;

torch::Tensor LanguageModel::label_hidden(const PackedBatch& batch,
                                          const ForwardOptions& options) const {
  return hidden(batch, options).index_select(0, batch.at_R);
}

State LanguageModel::begin(std::span<const int32_t> tokens, Context& context) const {
  const std::vector<int32_t> start(tokens.begin(), tokens.end());
  State state;
  append(pack_prompts(std::span(&start, 1), /*share_prefix=*/true).batch, state, context);
  return state;
}

Prefilled LanguageModel::prefill(std::span<const std::vector<int32_t>> prompts, const State& begun,
                                 Context& context, bool checkpoint) const {
  const int64_t known = begun ? begun->num_tokens() : 0;
  std::vector<std::vector<int32_t>> rest;
  if (known > 0) {
    for (const std::vector<int32_t>& prompt : prompts)
      rest.emplace_back(prompt.begin() + known, prompt.end());
  }
  PackedPrompts packed = pack_prompts(known > 0 ? rest : prompts, /*share_prefix=*/true);
  const auto first = begun ? static_cast<int32_t>(begun->segments().size()) : 0;
  if (known > 0) {
    packed.batch.position_T += known;
    for (Segment& segment : packed.batch.segments) {
      segment.position += static_cast<int32_t>(known);
      segment.parent = segment.parent < 0 ? first - 1 : segment.parent + first;
    }
  }
  Prefilled result;
  result.state = begun;
  const torch::Tensor hidden_TD = append(packed.batch, result.state, context, checkpoint);
  std::vector<int64_t> ends;
  for (const int32_t segment : packed.segment_B) {
    const Segment& s = packed.batch.segments[static_cast<size_t>(segment)];
    ends.push_back(s.begin + s.length - 1);
    result.segment_B.push_back(segment + first);
  }
  result.last_BD =
      hidden_TD.index_select(0, to_device(torch::tensor(ends, torch::kInt64), hidden_TD.device()));
  return result;
}

torch::Tensor LanguageModel::append(const PackedBatch& batch, State& state, Context& context,
                                    bool checkpoint) const {
  ForwardOptions options;
  options.checkpoint = checkpoint;
  options.past = state;
  options.keep = &state;
  count_work(*this, batch.num_tokens(), /*rows=*/0, /*columns=*/0, context);
  return hidden(batch.to(context.device()), options);
}

}  // namespace tsrec::nn
