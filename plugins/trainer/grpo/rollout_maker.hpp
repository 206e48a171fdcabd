// Makes the groups of completions that a step learns from.
#pragma once

#include "groups.hpp"
#include "settings.hpp"
#include "tsrec/decode/decoder.hpp"
#include "tsrec/prompt.hpp"

namespace tsrec::grpo {

// Behind these prompts, which the model has computed.
struct Asked {
  const nn::LanguageModel& model;
  const nn::Prefilled& prompts;
  const std::vector<CompiledExample>& examples;  // of one task
  const std::vector<int32_t>& suffix;            // forced tokens that carry loss
  const Samples& rows;                           // the split that the examples are of
};

class RolloutMaker {
 public:
  // The arguments must outlive this.
  RolloutMaker(const Settings& settings, const Trie& trie) : settings_(settings), trie_(trie) {}

  // As `rollout` says.
  Groups groups(const Asked& asked, const at::Generator& generator, Context& context) const;
  // The policy's own answers, beams or draws alike: what a validation looks at.
  Rollouts answers(const Asked& asked, const at::Generator& generator, Context& context) const;
  // The completions as trees behind the prompts, with the forced tokens that carry loss.
  nn::PackedBatch tree(const Asked& asked, const Rollouts& rollouts) const;

 private:
  static Rollouts described(Rollouts rollouts, const Asked& asked);
  Rollouts found(const Asked& asked, decode::Search search, decode::Scoring scoring, int64_t count,
                 const at::Generator& generator, Context& context) const;
  Members targets(const Asked& asked, Context& context) const;
  Groups mixture(const Asked& asked, const at::Generator& generator, Context& context) const;
  decode::Scoring scoring() const;

  const Settings& settings_;
  const Trie& trie_;
};

}  // namespace tsrec::grpo
