#include "tsrec/testing/toy.hpp"

namespace tsrec::kit {

ToyEncoder::~ToyEncoder() = default;

torch::Tensor ToyEncoder::encode(const EncoderInputs& inputs, Context&) {
  return toy_vectors(inputs.items.size());
}

ToyReward::~ToyReward() = default;

void ToyReward::prepare(const RewardInputs&, Context&) {}

torch::Tensor ToyReward::score(const Rollouts& rollouts) const {
  const torch::Tensor hit_BG = rollouts.item_BG == rollouts.target_B.unsqueeze(1);
  return hit_BG.to(torch::kFloat32) + 0.5 * (rollouts.item_BG % 2 == 0).to(torch::kFloat32);
}

std::vector<AnySlot::Entry> toys(std::string_view kind) {
  if (kind == Encoder::kKind)
    return {{"toy", [](Context&) { return std::make_shared<ToyEncoder>(); }}};
  if (kind == Quantizer::kKind)
    return {{"toy", [](Context&) { return std::make_shared<ToyQuantizer>(); }}};
  if (kind == Reward::kKind)
    return {{"toy", [](Context&) { return std::make_shared<ToyReward>(); }}};
  return {};
}

}  // namespace tsrec::kit
