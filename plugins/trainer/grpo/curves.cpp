#include "curves.hpp"

namespace tsrec::grpo {

void RolloutNumbers::add(const RolloutNumbers& part) {
  for (size_t k = 0; k < reward.size(); ++k) reward[k] += part.reward[k];
  total += part.total;
  groups += part.groups;
  zero_variance += part.zero_variance;
  hits += part.hits;
  advantage += part.advantage;
  entropy += part.entropy;
  target_rank.insert(target_rank.end(), part.target_rank.begin(), part.target_rank.end());
}

void RolloutNumbers::report(const std::vector<std::string>& reward_names, int64_t step,
                            Context& context) const {
  context.number("train.reward", mean_reward(), step);
  for (size_t k = 0; k < reward.size(); ++k)
    context.number("train.reward." + reward_names[k], reward[k] / groups, step);
  context.number("train.zero_variance", zero_variance / groups, step);
  context.number("train.hit_rate", hits / groups, step);
  context.number("train.advantage", advantage / groups, step);
  context.number("train.entropy", entropy / groups, step);
  for (const int64_t percent : {25, 50, 75}) {
    context.number(c10::str("train.target_rank.p", percent),
                   quantile(target_rank, static_cast<double>(percent) / 100), step);
  }
}

void UpdateNumbers::add(const UpdateNumbers& part) {
  loss += part.loss;
  divergence += part.divergence;
  labels += part.labels;
  clipped += part.clipped;
  clipped_of += part.clipped_of;
  tokens = std::max(tokens, part.tokens);
  prompt_tokens = std::max(prompt_tokens, part.prompt_tokens);
}

void UpdateNumbers::report(int64_t step, Context& context) const {
  if (labels > 0) context.number("train.kl", divergence / labels, step);
  if (clipped_of > 0) context.number("train.clipped", clipped / clipped_of, step);
}

std::vector<double> target_ranks(const torch::Tensor& leaf_BG,
                                 const std::vector<int64_t>& target_leaf_B) {
  const auto leaf = leaf_BG.accessor<int64_t, 2>();
  std::vector<double> ranks;
  for (int64_t b = 0; b < leaf.size(0); ++b) {
    std::set<int64_t> before;
    int64_t g = 0;
    for (; g < leaf.size(1) && leaf[b][g] != target_leaf_B[static_cast<size_t>(b)]; ++g)
      before.insert(leaf[b][g]);
    ranks.push_back(g < leaf.size(1) ? static_cast<double>(before.size() + 1)
                                     : static_cast<double>(leaf.size(1) + 1));
  }
  return ranks;
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return std::lerp(values[below], values[above], place - static_cast<double>(below));
}

}  // namespace tsrec::grpo
