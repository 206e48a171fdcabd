#include "tsrec/parts/reward.hpp"

namespace tsrec {

void TargetMatch::declare(Options& options) {
  options.add("match", match_)
      .one_of({"sid", "item"})
      .help(
          "sid: items that share the target's SID are hits; item: only the SID's first item stands "
          "for it");
}

void TargetMatch::prepare(const SidTable& sids) { group_N_ = sids.group_N(); }

torch::Tensor TargetMatch::hits(const Rollouts& rollouts) const {
  const auto item = rollouts.item_BG.accessor<int64_t, 2>();
  torch::Tensor hit_BG = torch::zeros(rollouts.item_BG.sizes(), torch::kBool);
  auto hit = hit_BG.accessor<bool, 2>();
  for (int64_t b = 0; b < item.size(0); ++b) {
    const int64_t target = rollouts.target_B[b].item<int64_t>();
    if (target < 0)
      throw Error("a reward needs the target of every prompt; prompt ", b, " has none");
    for (int64_t g = 0; g < item.size(1); ++g) {
      const int64_t got = item[b][g];
      hit[b][g] = got == target ||
                  (match_ == "sid" && got >= 0 &&
                   group_N_[static_cast<size_t>(got)] == group_N_[static_cast<size_t>(target)]);
    }
  }
  return hit_BG;
}

torch::Tensor TargetMatch::scores(const Rollouts& rollouts, double hit,
                                  const OfMiss& of_miss) const {
  const torch::Tensor hit_BG = hits(rollouts);
  torch::Tensor score_BG = torch::zeros(hit_BG.sizes(), torch::kFloat32);
  const auto is_hit = hit_BG.accessor<bool, 2>();
  const auto item = rollouts.item_BG.accessor<int64_t, 2>();
  auto score = score_BG.accessor<float, 2>();
  for (int64_t b = 0; b < item.size(0); ++b) {
    const int64_t target = rollouts.target_B[b].item<int64_t>();
    for (int64_t g = 0; g < item.size(1); ++g) {
      if (is_hit[b][g]) {
        score[b][g] = static_cast<float>(hit);
      } else if (item[b][g] >= 0) {
        score[b][g] = static_cast<float>(of_miss(b, item[b][g], target));
      }
    }
  }
  return score_BG;
}

}  // namespace tsrec
