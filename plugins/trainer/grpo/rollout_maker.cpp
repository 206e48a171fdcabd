#include "rollout_maker.hpp"

#include "label_scores.hpp"
#include "tsrec/train/examples.hpp"

namespace tsrec::grpo {
namespace {

using decode::Scoring;
using decode::Search;

// What of the target is its SID.
std::vector<int32_t> sid_of(const CompiledExample& example, const Trie& trie) {
  for (size_t length = 1; length <= example.target.size(); ++length) {
    const auto begin = std::span(example.target).first(length);
    if (trie.leaf(begin) >= 0) return {begin.begin(), begin.end()};
  }
  throw Error("the target of item ", example.target_item, " does not begin with a SID");
}

}  // namespace

Scoring RolloutMaker::scoring() const {
  return settings_.scoring == "full" ? Scoring::full : Scoring::legal;
}

// With what the rewards want to know of the prompts.
Rollouts RolloutMaker::described(Rollouts rollouts, const Asked& asked) {
  train::describe_prompts(rollouts, asked.examples, asked.rows);
  return rollouts;
}

Rollouts RolloutMaker::found(const Asked& asked, Search search, Scoring scoring, int64_t count,
                             const at::Generator& generator, Context& context) const {
  decode::DecodeOptions options;
  options.scoring = scoring;
  options.search = search;
  options.beams = count;
  options.temperature = settings_.temperature;
  options.suffix = asked.suffix;
  return described(
      decode::Decoder(asked.model, trie_, options).roll_out(asked.prompts, generator, context),
      asked);
}

Rollouts RolloutMaker::answers(const Asked& asked, const at::Generator& generator,
                               Context& context) const {
  if (settings_.draws())
    return found(asked, Search::sample, scoring(), settings_.completions, generator, context);
  return found(asked, Search::beam, scoring(), std::min(settings_.completions, trie_.num_leaves()),
               generator, context);
}

Groups RolloutMaker::groups(const Asked& asked, const at::Generator& generator,
                            Context& context) const {
  const std::string& kind = settings_.rollout;
  const int64_t G = settings_.completions;
  if (kind == "mixture") return mixture(asked, generator, context);
  if (kind == "beam_renormalised" || kind == "exact") {
    const int64_t count = kind == "exact" ? trie_.num_leaves() : G;
    Groups groups = {found(asked, Search::beam, Scoring::legal, count, generator, context), {}};
    groups.weight_BG = renormalised(groups.rollouts.log_prob_BG);
    return groups;
  }
  if (kind == "beam" || kind == "sample") return {answers(asked, generator, context), {}};

  // What is chosen out of more: the targets tell.
  const Rollouts all = kind == "dynamic"
                           ? found(asked, Search::sample, scoring(), G * 3 / 2, generator, context)
                           : answers(asked, generator, context);
  const Members target_B = kind == "add_gt" ? targets(asked, context) : Members();
  std::vector<Members> members_B;
  for (size_t b = 0; b < asked.examples.size(); ++b) {
    Members members = members_of(all, b);
    if (kind == "dynamic") {
      const int32_t leaf = trie_.leaf(sid_of(asked.examples[b], trie_));
      members = most_varied(members, trie_.leaf_group(leaf), static_cast<size_t>(G));
    } else {
      add_target(members, target_B[b]);
    }
    members_B.push_back(std::move(members));
  }
  return {described(rollouts_of(members_B), asked), {}};
}

Groups RolloutMaker::mixture(const Asked& asked, const at::Generator& generator,
                             Context& context) const {
  const int64_t G = settings_.completions, num_beams = settings_.num_beams();
  const Rollouts beams = found(asked, Search::beam, Scoring::legal, num_beams, generator, context);
  const Rollouts draws =
      found(asked, Search::sample, Scoring::legal, G - num_beams, generator, context);
  std::vector<Members> members_B;
  std::vector<float> weights;
  for (size_t b = 0; b < asked.examples.size(); ++b) {
    WeighedMembers weighed = stratified(members_of(beams, b), members_of(draws, b));
    members_B.push_back(std::move(weighed.members));
    weights.insert(weights.end(), weighed.weights.begin(), weighed.weights.end());
  }
  return {described(rollouts_of(members_B), asked), torch::tensor(weights).view({-1, G})};
}

// With their scores, so that they find their place among the others.
Members RolloutMaker::targets(const Asked& asked, Context& context) const {
  const torch::NoGradGuard no_grad;
  std::vector<Members> target_B;
  for (const CompiledExample& example : asked.examples) {
    Member target;
    target.tokens = sid_of(example, trie_);
    const int32_t leaf = trie_.leaf(target.tokens);
    target.leaf = trie_.leaf_group(leaf);
    target.item = trie_.items(leaf).front();
    target_B.push_back({target});
  }
  const nn::PackedBatch all = tree(asked, rollouts_of(target_B));
  const bool legal = scoring() == Scoring::legal;
  const std::optional<Choices> choices =
      legal ? std::optional(choices_of(all, trie_)) : std::nullopt;
  const LabelScores scores = scores_of(asked.model, asked.prompts, all,
                                       choices ? &*choices : nullptr, {.legal = legal}, context);
  const torch::Tensor sum_B =
      nn::row_log_prob_sums(scores.log_prob_R, all.row_R, static_cast<int64_t>(target_B.size()))
          .cpu();
  Members targets;
  for (size_t b = 0; b < target_B.size(); ++b) {
    targets.push_back(std::move(target_B[b].front()));
    targets.back().log_prob = sum_B[static_cast<int64_t>(b)].item<float>();
  }
  return targets;
}

nn::PackedBatch RolloutMaker::tree(const Asked& asked, const Rollouts& rollouts) const {
  decode::DecodeOptions options;
  options.beams = 1;
  options.suffix = asked.suffix;
  return decode::Decoder(asked.model, trie_, options).tree(asked.prompts, rollouts);
}

}  // namespace tsrec::grpo
