#include "label_scores.hpp"

#include "tsrec/nn/transfer.hpp"
#include "tsrec/nn/work.hpp"

namespace tsrec::grpo {

LabelScores scores_of(const nn::LanguageModel& model, const nn::Prefilled& prompts,
                      const nn::PackedBatch& tree, const Choices* choices,
                      const ScoreOptions& options, Context& context) {
  if (choices == nullptr)
    return {nn::label_log_probs(model, prompts, tree, context, options.checkpoint), {}};
  const nn::PackedBatch there = tree.to(context.device());
  nn::ForwardOptions forward;
  forward.past = prompts.state;
  forward.checkpoint = options.checkpoint;
  const torch::Tensor hidden_TD = torch::cat({model.hidden(there, forward), prompts.last_BD});
  const nn::Head head = model.head();
  nn::count_work(model, there.num_tokens(), choices->at_P.size(0), choices->range.count, context);
  LabelScores scores;
  const torch::Tensor legal_PV = legal_log_probs(
      head, hidden_TD.index_select(0, nn::to_device(choices->at_P, hidden_TD.device())), *choices);
  if (options.legal) {
    scores.log_prob_R = at_labels(legal_PV, *choices);
  } else {
    const nn::StateLabels labels = nn::by_state(tree.at_R, tree.label_R);
    nn::count_work(model, /*tokens=*/0, labels.num_states(), head.num_rows(), context);
    scores.log_prob_R = nn::label_log_prob(head, hidden_TD, labels);
  }
  if (options.distributions) scores.legal_PV = legal_PV;
  return scores;
}

torch::Tensor first_entropies(const nn::LanguageModel& model, const nn::Prefilled& prompts,
                              const Trie& trie, Context& context) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor last_BD = prompts.last_BD.detach();
  const Choices choices = first_choices(last_BD.size(0), trie);
  const nn::Head head = model.head();
  nn::count_work(model, /*tokens=*/0, last_BD.size(0), choices.range.count, context);
  return entropies(legal_log_probs(head, last_BD, choices));
}

}  // namespace tsrec::grpo
