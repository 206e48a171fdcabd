// The policy over SIDs: at every node of the trie a softmax over its children. What of it the
// completions of a rollout pass.
#pragma once

#include "tsrec/nn/label_log_probs.hpp"
#include "tsrec/trie.hpp"

namespace tsrec::grpo {

// P: places with more than one legal child, each once; R: labels; U: labels with a choice. A label
// whose token is the only legal one is certain: its log-probability is 0. V: the range of the
// vocabulary that has all children. On the CPU.
struct Choices {
  torch::Tensor at_P;               // int64, as PackedBatch::at_R
  torch::Tensor legal_PV;           // bool
  torch::Tensor label_U;            // int64: the number of the label
  torch::Tensor place_U, column_U;  // int64: where it stands in [P, V]
  RowRange range;
  int64_t num_labels = 0;
};
Choices choices_of(const nn::PackedBatch& tree, const Trie& trie);
// The first token behind B prompts; nothing is a label.
Choices first_choices(int64_t num_prompts, const Trie& trie);

// [P, V], float32: log softmax over each place's children; what is not legal is -inf.
torch::Tensor legal_log_probs(const nn::Head& head, const torch::Tensor& hidden_PD,
                              const Choices& choices);
// [R]: at the labels, 0 where there is no choice.
torch::Tensor at_labels(const torch::Tensor& log_prob_PV, const Choices& choices);
// [R]: KL(policy || reference) of all that may follow at the place of each label.
torch::Tensor exact_divergence(const torch::Tensor& policy_PV, const torch::Tensor& reference_PV,
                               const Choices& choices);
// [P], in nats.
torch::Tensor entropies(const torch::Tensor& log_prob_PV);

}  // namespace tsrec::grpo
