// The options of grpo.
#pragma once

#include "tsrec/parts/reward.hpp"
#include "tsrec/train/row_order.hpp"
#include "tsrec/train/updater.hpp"

namespace tsrec::grpo {

struct Settings {
  train::RowOrderOptions prompts = {.batch_rows = 64};
  int64_t micro_prompts = 64, completions = 16, reuse = 1, sync_every = 512, valid_rows = 512;
  double flat_weight = 1, beam_share = 0.5, temperature = 1, epsilon_low = 0.2, epsilon_high = 0.2;
  double kl = 1e-3, sync_mix = 0.6;
  std::string rollout = "beam", scoring = "full", loss = "grpo", advantage = "by_loss";
  std::string logprob = "full", positions = "all", kl_estimator = "k3";
  bool skip_zero_variance = false, checkpoint = false;
  train::UpdaterOptions updater = {.learning_rate = 1e-5, .schedule = "cosine", .clip = 0.3};
  PartList<Reward> rewards;

  void declare(Options& o);

  const char* advantage_kind() const {
    if (advantage != "by_loss") return advantage.c_str();
    return loss == "dr_grpo" ? "mean_only" : "group_std";
  }
  bool draws() const { return rollout == "sample" || rollout == "dynamic"; }
  // Of a group that mixes beams and draws, so many are beams: at least one of either.
  int64_t num_beams() const {
    if (rollout != "mixture") return completions;
    return std::clamp<int64_t>(std::llround(beam_share * static_cast<double>(completions)), 1,
                               completions - 1);
  }
  // Whether the tokens behind a SID carry loss; over the trie's children they are certain.
  bool learns_suffix() const { return positions == "all" && logprob == "full"; }
  // Whether what one completion weighs depends on all of the step.
  bool asks_the_whole_step() const {
    return loss == "dapo" || std::string_view(advantage_kind()) == "batch_std";
  }
};

}  // namespace tsrec::grpo
