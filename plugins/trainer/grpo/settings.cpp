#include "settings.hpp"

#include "tsrec/train/examples.hpp"

namespace tsrec::grpo {

void Settings::declare(Options& o) {
  o.add_parts("reward", rewards)
      .weighted()
      .required()
      .help("what scores the completions: the weighted sum of these");
  prompts.declare(o, "prompts", "steps, a rollout each");
  o.add("batch_prompts", prompts.batch_rows)
      .range(1, 1 << 16)
      .unit("prompts")
      .help("prompts of one rollout");
  o.add("micro_prompts", micro_prompts)
      .range(1, 1 << 16)
      .unit("prompts")
      .help(
          "prompts computed at once; gradients of the parts are added (the same result, less "
          "memory)");
  o.add("flat_weight", flat_weight)
      .range(0.001, 1)
      .help(
          "below 1 every step draws its prompts, those whose last group had equal rewards with "
          "this "
          "weight, all others with 1; 1: every prompt once an epoch");
  o.add("completions", completions)
      .range(2, 1024)
      .help("G, completions of each prompt; rollout = \"exact\" has all SIDs in their place");
  o.add("rollout", rollout)
      .one_of({"beam", "sample", "dynamic", "add_gt", "beam_renormalised", "mixture", "exact"})
      .help(
          "beam: the G best SIDs, taken as if they were draws (biased); sample: G independent "
          "draws "
          "of the policy; dynamic: the most varied G of 1.5 G draws (MiniOneRec; biased); add_gt: "
          "beam, the last one replaced by the target where that is missing (biased); "
          "beam_renormalised: the G best SIDs weighed by their probabilities among themselves; "
          "mixture: beams weighed by their probabilities, and draws for all other SIDs; exact: all "
          "SIDs of the catalogue weighed by their probabilities (small models)");
  o.add("beam_share", beam_share)
      .range(0, 1)
      .help("share of beams in rollout = \"mixture\", at least one beam and one draw");
  o.add("scoring", scoring)
      .one_of({"full", "legal"})
      .help(
          "how rollouts are scored: softmax over the whole vocabulary, or over the trie's "
          "children, as always where completions are weighed by their probabilities");
  o.add("temperature", temperature).range(0.01, 100).help("of draws");
  o.add("loss", loss)
      .one_of({"grpo", "grpo_clip", "dapo", "gspo", "dr_grpo"})
      .help(
          "grpo: mean over completions of the mean over their tokens, ratios never clipped "
          "(MiniOneRec); grpo_clip: the same with clipped ratios; dapo: mean over all tokens of "
          "the step; gspo: one ratio for all tokens of a completion; dr_grpo: sums over tokens, "
          "divided by the longest possible length");
  o.add("reuse", reuse)
      .range(1, 64)
      .unit("updates")
      .help("updates of one rollout; more than 1 needs a loss that clips")
      .check([this] {
        return reuse == 1 || loss != "grpo"
                   ? std::string()
                   : "loss = \"grpo\" bounds no ratio, so that one rollout allows one update; set "
                     "reuse = 1, or loss = \"grpo_clip\"";
      });
  o.add("epsilon_low", epsilon_low)
      .range(0, 1)
      .help("ratios to the rollout's policy are clipped at 1 - this; matters for reuse > 1");
  o.add("epsilon_high", epsilon_high)
      .range(0, 100)
      .help("and at 1 + this (dapo: .28; gspo: both about 4e-4)");
  updater.declare(o);
  o.add("kl", kl).range(0, 100).help(
      "weight of the KL to the reference model; 0: no reference model is kept");
  o.add("kl_estimator", kl_estimator)
      .one_of({"k3", "k1", "exact"})
      .help(
          "of the KL, token by token. k3 (Schulman, 2020): its gradient is that of KL(reference, "
          "policy); k1: the log ratio as a penalty, so that its gradient is that of KL(policy, "
          "reference); exact: KL(policy, reference) of all that the trie allows there");
  o.add("sync_every", sync_every)
      .at_least(0)
      .unit("steps")
      .help(
          "steps between moves of the reference towards the policy; 0: it stays the starting "
          "model");
  o.add("sync_mix", sync_mix).range(0, 1).help("share of the policy in the moved reference");
  o.add("advantage", advantage)
      .one_of({"by_loss", "group_std", "mean_only", "batch_std"})
      .help(
          "group_std: (reward - mean) / (std + 1e-4) of the group; mean_only: reward - mean; "
          "batch_std: reward - mean over the std of the step; by_loss: mean_only for dr_grpo, else "
          "group_std");
  o.add("logprob", logprob)
      .one_of({"full", "legal"})
      .help(
          "log-probabilities of the loss: softmax over the whole vocabulary, or over the trie's "
          "children (the policy that rollouts draw from)");
  o.add("positions", positions)
      .one_of({"all", "codes"})
      .help(
          "tokens of a completion that carry loss: all, or without the forced ones behind the "
          "SID, as always for logprob = \"legal\"");
  o.add("skip_zero_variance", skip_zero_variance)
      .help(
          "leave out groups whose rewards are all equal; changes the objective: their KL term is "
          "dropped");
  train::declare_checkpoint(o, checkpoint);
  train::declare_valid_rows(o, valid_rows, "prompts");
}

}  // namespace tsrec::grpo
