// A reward scores completions. The target travels with the rollout's row.
#pragma once

#include "tsrec/evaluation.hpp"
#include "tsrec/plugin.hpp"

namespace tsrec {

struct RewardInputs {
  const Dataset& data;
  const SidTable& sids;
  const std::vector<TokenNote>& notes;
};
class TSREC_API Reward : public Part {
 public:
  static constexpr const char* kKind = "reward";
  static constexpr int kContract = 1;
  ~Reward() override;
  virtual void prepare(const RewardInputs& inputs, Context& context) = 0;
  // [B, G] float32 on the CPU, finite. Thread-safe and pure; a prompt's rewards depend on its own
  // completions only. A prompt without a target (-1) is an Error.
  virtual torch::Tensor score(const Rollouts& rollouts) const = 0;
};

}  // namespace tsrec
