// What a model thinks of the tokens of completions, behind prompts that are computed already.
#pragma once

#include "trie_choices.hpp"

namespace tsrec::grpo {

struct LabelScores {
  torch::Tensor log_prob_R;  // over the whole vocabulary, or the trie's children
  torch::Tensor legal_PV;    // legal_log_probs(); undefined unless asked for
};

// Which of the two are wanted, and how they are computed.
struct ScoreOptions {
  bool legal = false;          // log_prob_R over the trie's children
  bool distributions = false;  // legal_PV
  bool checkpoint = false;     // as in nn::ForwardOptions
};

// Differentiable in the model where gradients are recorded. choices: of the tree.
LabelScores scores_of(const nn::LanguageModel& model, const nn::Prefilled& prompts,
                      const nn::PackedBatch& tree, const Choices* choices,
                      const ScoreOptions& options, Context& context);
// [B]: entropy of the first token of a SID behind each prompt, in nats. Without gradient.
torch::Tensor first_entropies(const nn::LanguageModel& model, const nn::Prefilled& prompts,
                              const Trie& trie, Context& context);

}  // namespace tsrec::grpo
