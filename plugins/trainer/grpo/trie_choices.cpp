#include "trie_choices.hpp"

#include "tsrec/nn/transfer.hpp"

namespace tsrec::grpo {
namespace {

// [P, V]: the children of each node, in the smallest range that has them all.
void set_legal(Choices& choices, const std::vector<int32_t>& node_P, const Trie& trie) {
  int64_t first = std::numeric_limits<int64_t>::max(), last = -1;
  for (const int32_t node : node_P) {
    const Trie::Children children = trie.children(node);
    first = std::min<int64_t>(first, children.token.front());
    last = std::max<int64_t>(last, children.token.back());
  }
  choices.range = {node_P.empty() ? 0 : first, node_P.empty() ? 0 : last - first + 1};
  choices.legal_PV =
      torch::zeros({static_cast<int64_t>(node_P.size()), choices.range.count}, torch::kBool);
  bool* legal = choices.legal_PV.mutable_data_ptr<bool>();
  for (size_t p = 0; p < node_P.size(); ++p) {
    for (const int32_t token : trie.children(node_P[p]).token)
      legal[static_cast<int64_t>(p) * choices.range.count + token - choices.range.first] = true;
  }
}

torch::Tensor there(const torch::Tensor& x, const torch::Tensor& like) {
  return nn::to_device(x, like.device());
}

// [R] of what is known at the labels with a choice, 0 at the others.
torch::Tensor spread(const torch::Tensor& x_U, const Choices& choices) {
  return torch::zeros({choices.num_labels}, x_U.options().requires_grad(false))
      .index_copy(0, there(choices.label_U, x_U), x_U);
}

}  // namespace

Choices choices_of(const nn::PackedBatch& tree, const Trie& trie) {
  Choices choices;
  choices.num_labels = tree.at_R.size(0);
  const int64_t* at_R = tree.at_R.const_data_ptr<int64_t>();
  const int64_t* token_R = tree.label_R.const_data_ptr<int64_t>();
  const int64_t* row_R = tree.row_R.const_data_ptr<int64_t>();
  std::unordered_map<int64_t, int64_t> place_of;
  std::vector<int64_t> at_P, label_U, place_U, token_U;
  std::vector<int32_t> node_P;
  int32_t node = Trie::kRoot;  // before the label; the labels of a completion are neighbours
  for (int64_t r = 0; r < choices.num_labels; ++r) {
    if (r == 0 || row_R[r] != row_R[r - 1]) node = Trie::kRoot;
    const Trie::Children children = trie.children(node);
    if (children.token.size() == 0) continue;  // behind the SID
    const auto child = std::lower_bound(children.token.begin(), children.token.end(), token_R[r]);
    if (child == children.token.end() || *child != token_R[r])
      throw Error("a completion leaves the catalogue at token ", token_R[r]);
    if (children.token.size() > 1) {
      const auto [place, is_new] = place_of.emplace(at_R[r], static_cast<int64_t>(at_P.size()));
      if (is_new) {
        at_P.push_back(at_R[r]);
        node_P.push_back(node);
      }
      label_U.push_back(r);
      place_U.push_back(place->second);
      token_U.push_back(token_R[r]);
    }
    node = children.node[static_cast<size_t>(child - children.token.begin())];
  }
  choices.at_P = torch::tensor(at_P, torch::kInt64);
  choices.label_U = torch::tensor(label_U, torch::kInt64);
  choices.place_U = torch::tensor(place_U, torch::kInt64);
  set_legal(choices, node_P, trie);
  choices.column_U = torch::tensor(token_U, torch::kInt64) - choices.range.first;
  return choices;
}

Choices first_choices(int64_t num_prompts, const Trie& trie) {
  Choices choices;
  choices.at_P = torch::arange(num_prompts);
  choices.label_U = choices.place_U = choices.column_U = torch::empty({0}, torch::kInt64);
  set_legal(choices, std::vector<int32_t>(static_cast<size_t>(num_prompts), Trie::kRoot), trie);
  return choices;
}

torch::Tensor legal_log_probs(const nn::Head& head, const torch::Tensor& hidden_PD,
                              const Choices& choices) {
  return torch::log_softmax(nn::logits(head, hidden_PD, choices.range)
                                .masked_fill(there(choices.legal_PV.logical_not(), hidden_PD),
                                             -std::numeric_limits<double>::infinity()),
                            /*dim=*/1);
}

torch::Tensor at_labels(const torch::Tensor& log_prob_PV, const Choices& choices) {
  const torch::Tensor index_U = choices.place_U * choices.range.count + choices.column_U;
  return spread(log_prob_PV.reshape({-1}).index_select(0, there(index_U, log_prob_PV)), choices);
}

torch::Tensor exact_divergence(const torch::Tensor& policy_PV, const torch::Tensor& reference_PV,
                               const Choices& choices) {
  const torch::Tensor legal_PV = there(choices.legal_PV, policy_PV);
  const torch::Tensor difference_PV =
      torch::where(legal_PV, policy_PV - reference_PV, torch::zeros_like(policy_PV));
  const torch::Tensor divergence_P = (policy_PV.exp() * difference_PV).sum(/*dim=*/1);
  return spread(divergence_P.index_select(0, there(choices.place_U, divergence_P)), choices);
}

torch::Tensor entropies(const torch::Tensor& log_prob_PV) {
  return -torch::xlogy(log_prob_PV.exp(), log_prob_PV.exp()).sum(/*dim=*/1);
}

}  // namespace tsrec::grpo
