// Completions of every prompt, and how much each of them counts.
#pragma once

#include "tsrec/evaluation.hpp"

namespace tsrec::grpo {

struct Groups {
  Rollouts rollouts;
  // [B, G], float32, with mean 1 in every group: probabilities times G. Undefined: all completions
  // count alike, as draws of the policy do.
  torch::Tensor weight_BG;
};

// One completion of a group.
struct Member {
  int64_t leaf = -1, item = -1;
  float log_prob = 0;
  std::vector<int32_t> tokens;
};
using Members = std::vector<Member>;

inline Members members_of(const Rollouts& rollouts, size_t b) {
  Members members;
  const auto row = static_cast<int64_t>(b);
  for (size_t g = 0; g < rollouts.token_BG[b].size(); ++g) {
    const auto column = static_cast<int64_t>(g);
    members.push_back({rollouts.leaf_BG[row][column].item<int64_t>(),
                       rollouts.item_BG[row][column].item<int64_t>(),
                       rollouts.log_prob_BG[row][column].item<float>(), rollouts.token_BG[b][g]});
  }
  return members;
}

// Groups of one size, in the order in which they are given; of prompts that nobody described yet.
inline Rollouts rollouts_of(const std::vector<Members>& members_B) {
  const auto B = static_cast<int64_t>(members_B.size());
  const auto G = static_cast<int64_t>(members_B.front().size());
  Rollouts rollouts;
  rollouts.leaf_BG = torch::empty({B, G}, torch::kInt64);
  rollouts.item_BG = torch::empty({B, G}, torch::kInt64);
  rollouts.log_prob_BG = torch::empty({B, G}, torch::kFloat32);
  int64_t at = 0;
  for (const Members& members : members_B) {
    auto& tokens = rollouts.token_BG.emplace_back();
    for (const Member& member : members) {
      rollouts.leaf_BG.mutable_data_ptr<int64_t>()[at] = member.leaf;
      rollouts.item_BG.mutable_data_ptr<int64_t>()[at] = member.item;
      rollouts.log_prob_BG.mutable_data_ptr<float>()[at++] = member.log_prob;
      tokens.push_back(member.tokens);
    }
  }
  return rollouts;
}

// Rewards may read ranks, so a group that was put together is sorted again: most likely first.
inline void sort_by_probability(Members& members) {
  std::stable_sort(members.begin(), members.end(),
                   [](const Member& a, const Member& b) { return a.log_prob > b.log_prob; });
}

// MiniOneRec's "dynamic sampling": of more draws than are wanted, first the target as often as it
// was drawn, then every other SID once, the most frequent first, then the others again while they
// have draws left.
inline Members most_varied(const Members& drawn, int64_t target_leaf, size_t wanted) {
  struct Kind {
    Member member;
    int64_t count;
  };
  std::vector<Kind> others;
  Members chosen;
  for (const Member& member : drawn) {
    if (member.leaf == target_leaf) {
      if (chosen.size() < wanted) chosen.push_back(member);
      continue;
    }
    const auto known = std::find_if(others.begin(), others.end(), [&](const Kind& kind) {
      return kind.member.leaf == member.leaf;
    });
    if (known == others.end()) {
      others.push_back({member, 1});
    } else {
      ++known->count;
    }
  }
  std::stable_sort(others.begin(), others.end(),
                   [](const Kind& a, const Kind& b) { return a.count > b.count; });
  while (chosen.size() < wanted) {
    for (Kind& kind : others) {
      if (kind.count == 0 || chosen.size() == wanted) continue;
      chosen.push_back(kind.member);
      --kind.count;
    }
  }
  sort_by_probability(chosen);
  return chosen;
}

// The last member makes room for the target where that is not among them.
inline void add_target(Members& members, const Member& target) {
  if (std::any_of(members.begin(), members.end(),
                  [&](const Member& member) { return member.leaf == target.leaf; }))
    return;
  members.back() = target;
  sort_by_probability(members);
}

// The probabilities of distinct completions, renormalised to mean 1 in each group.
inline torch::Tensor renormalised(const torch::Tensor& log_prob_BG) {
  return torch::softmax(log_prob_BG.to(torch::kFloat64), /*dim=*/1)
      .mul(static_cast<double>(log_prob_BG.size(1)))
      .to(torch::kFloat32);
}

// Beams with their own probabilities, and draws of the policy that stand for all that is no beam:
// those among them share its probability, a draw that is a beam counts nothing. Where every draw
// is one, the beams share everything. Sorted; the weights have mean 1.
struct WeighedMembers {
  Members members;
  std::vector<float> weights;
};
inline WeighedMembers stratified(const Members& beams, const Members& draws) {
  const auto is_beam = [&](const Member& draw) {
    return std::any_of(beams.begin(), beams.end(),
                       [&](const Member& beam) { return beam.leaf == draw.leaf; });
  };
  double mass = 0;
  for (const Member& beam : beams) mass += std::exp(static_cast<double>(beam.log_prob));
  mass = std::min(mass, 1.0);
  const auto outside =
      std::count_if(draws.begin(), draws.end(), [&](const Member& draw) { return !is_beam(draw); });
  const auto size = static_cast<double>(beams.size() + draws.size());
  std::vector<std::pair<Member, double>> weighed;
  for (const Member& beam : beams) {
    const double share = std::exp(static_cast<double>(beam.log_prob));
    weighed.emplace_back(beam, size * (outside == 0 ? share / mass : share));
  }
  for (const Member& draw : draws) {
    weighed.emplace_back(draw,
                         is_beam(draw) ? 0.0 : size * (1 - mass) / static_cast<double>(outside));
  }
  std::stable_sort(weighed.begin(), weighed.end(), [](const auto& a, const auto& b) {
    return a.first.log_prob > b.first.log_prob;
  });
  WeighedMembers result;
  for (auto& [member, weight] : weighed) {
    result.members.push_back(std::move(member));
    result.weights.push_back(static_cast<float>(weight));
  }
  return result;
}

}  // namespace tsrec::grpo
