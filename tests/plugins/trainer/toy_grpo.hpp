// grpo over the toy world, and what it does there by listing the whole catalogue.
#pragma once

#include "plugins/trainer/toy_world.hpp"

namespace tsrec::test {

// 1 for the target, a third for an item of the same first code.
class ToyReward : public Reward {
 public:
  explicit ToyReward(const SidTable& sids) : sids_(sids) {}
  void prepare(const RewardInputs&, Context&) override {}
  double of(int64_t target, int64_t item) const {
    if (item == target) return 1;
    return sids_.code_NL[item][0].item<int64_t>() == sids_.code_NL[target][0].item<int64_t>()
               ? 1.0 / 3
               : 0;
  }
  torch::Tensor score(const Rollouts& rollouts) const override {
    torch::Tensor reward_BG = torch::zeros_like(rollouts.log_prob_BG);
    for (int64_t b = 0; b < reward_BG.size(0); ++b) {
      for (int64_t g = 0; g < reward_BG.size(1); ++g) {
        reward_BG[b][g] =
            of(rollouts.target_B[b].item<int64_t>(), rollouts.item_BG[b][g].item<int64_t>());
      }
    }
    return reward_BG;
  }

 private:
  const SidTable& sids_;
};

class FlatReward : public Reward {
 public:
  void prepare(const RewardInputs&, Context&) override {}
  torch::Tensor score(const Rollouts& rollouts) const override {
    return torch::ones_like(rollouts.log_prob_BG);
  }
};

inline std::shared_ptr<Trainer> start_grpo(ToyWorld& world, Backbone& model,
                                           const ToyExamples& examples,
                                           std::shared_ptr<Reward> reward, OptionTexts options) {
  auto trainer = built_part("trainer", "grpo", options)
                     .with("reward", {slot_entry("toy", std::move(reward))})
                     .make_as<Trainer>(world.context);
  trainer->start(world.inputs(model, examples), world.context);
  return trainer;
}

// Every legal completion with its log-probability, best first: the catalogue is small enough to
// list.
inline std::vector<std::pair<double, int64_t>> all_completions(const ToyWorld& world,
                                                               const nn::LanguageModel& model,
                                                               const std::vector<int32_t>& prompt) {
  const torch::NoGradGuard no_grad;
  std::vector<std::pair<double, int64_t>> found;
  for (int64_t item = 0; item < world.items.size(); ++item) {
    found.emplace_back(
        row_log_probs(model, prompt, world.vocabulary.ids(world.sids, item)).sum().item<double>(),
        item);
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  return found;
}

// [target length]: log p of each token of a SID among those that the catalogue allows there, by one
// plain forward of that row alone.
inline torch::Tensor legal_log_probs(const ToyWorld& world, const nn::LanguageModel& model,
                                     const std::vector<int32_t>& prompt, int64_t item) {
  const std::vector<int32_t> sid = world.vocabulary.ids(world.sids, item);
  std::vector<int32_t> ids = prompt;
  ids.insert(ids.end(), sid.begin(), sid.end());
  const torch::Tensor logit_TV =
      torch::matmul(model.hidden(one_row(ids), {}), model.head().weight_VD.t());
  std::vector<torch::Tensor> log_prob_T;
  for (size_t t = 0; t < sid.size(); ++t) {
    std::set<int64_t> legal;
    for (int64_t other = 0; other < world.items.size(); ++other) {
      const std::vector<int32_t> path = world.vocabulary.ids(world.sids, other);
      if (path.size() > t &&
          std::equal(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(t), sid.begin()))
        legal.insert(path[t]);
    }
    const torch::Tensor next =
        torch::tensor(std::vector<int64_t>(legal.begin(), legal.end()), torch::kInt64);
    const torch::Tensor logit_V = logit_TV[static_cast<int64_t>(prompt.size() + t) - 1];
    log_prob_T.push_back(logit_V[sid[t]] - torch::logsumexp(logit_V.index_select(0, next), 0));
  }
  return torch::stack(log_prob_T);
}

// All parameters' gradients behind each other, float64; what is undefined counts as 0.
inline torch::Tensor flattened(const std::vector<torch::Tensor>& gradients, Backbone& model) {
  std::vector<torch::Tensor> flat;
  const auto parameters = model.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const torch::Tensor gradient =
        gradients[i].defined() ? gradients[i] : torch::zeros_like(parameters[i].value);
    flat.push_back(gradient.detach().reshape({-1}).to(torch::kFloat64));
  }
  return torch::cat(flat);
}

// What a step left behind.
inline torch::Tensor gradient_of_step(Backbone& model) {
  std::vector<torch::Tensor> gradients;
  for (const nn::Parameter& parameter : model.parameters())
    gradients.push_back(parameter.value.grad());
  return flattened(gradients, model);
}

inline double relative_distance(const torch::Tensor& got, const torch::Tensor& wanted) {
  return ((got - wanted).norm() / wanted.norm()).item<double>();
}

inline double cosine(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.dot(b) / (a.norm() * b.norm())).item<double>();
}

}  // namespace tsrec::test
