// What it costs to prefer the wrong answer: the losses of DPO, S-DPO and SimPO as one formula.
#pragma once

#include "tsrec/torch.hpp"

namespace tsrec::preference {

// reward_PA: how much the policy is for each answer of a prompt, [P, A], the preferred answer
// first. [P]: -log sigmoid(-(log sum_d exp(r_d - r_0) + gamma)), d the others.
//
// With one other answer and gamma = 0 it is DPO's (Rafailov et al., 2023, Eq. 7), with several
// S-DPO's (Chen et al., 2024), for r = beta log p / q of whole answers, p the policy's and q
// the reference's probability. With one, gamma > 0 and r = beta times the mean log p of an answer's
// tokens it is SimPO's (Meng et al., 2024, Eq. 6).
inline torch::Tensor preference_loss(const torch::Tensor& reward_PA, double gamma) {
  const torch::Tensor ahead_PN = reward_PA.slice(1, 1) - reward_PA.slice(1, 0, 1);
  return -torch::log_sigmoid(-(torch::logsumexp(ahead_PN, /*dim=*/1) + gamma));
}

}  // namespace tsrec::preference
