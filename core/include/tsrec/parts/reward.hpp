// A reward scores completions. Before training it is given the items with their columns, the
// training rows, the SIDs, the notes of their tokens, and what earlier stages made, if it asks
// (RewardInputs). Each rollout has the completions' items and log-probabilities, best first, and of
// each prompt the target, the history, the user and the time (Rollouts). Codebooks need no
// quantizer: they are means of the items' vectors over the codes.
#pragma once

#include "tsrec/evaluation.hpp"
#include "tsrec/parts/earlier_stages.hpp"
#include "tsrec/plugin.hpp"

namespace tsrec {

struct RewardInputs {
  const Dataset& data;  // its test split is empty
  const SidTable& sids;
  const std::vector<TokenNote>& notes;  // empty without an extractor; kNeeds = "extractor"
  EarlierStages earlier = {};  // vectors by kNeeds = "encoder", lists by names_recommender()
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

// Which completions are the target: what every reward that knows hits has in common.
class TSREC_API TargetMatch {
 public:
  void declare(Options& options);  // the option `match`
  void prepare(const SidTable& sids);
  // [B, G] bool. Throws Error for a prompt without a target.
  torch::Tensor hits(const Rollouts& rollouts) const;
  // [B, G] float32: `hit` for the target, of_miss() for another item, 0 for a completion that is
  // none (-1). Throws as hits() does.
  using OfMiss = std::function<double(int64_t prompt, int64_t item, int64_t target)>;
  torch::Tensor scores(const Rollouts& rollouts, double hit, const OfMiss& of_miss) const;

 private:
  std::string match_ = "sid";
  std::vector<int64_t> group_N_;
};

}  // namespace tsrec
