#include "tsrec/parts/reward.hpp"

#include "plugin/guarded/guard.hpp"
#include "plugin/guarded/guards.hpp"
#include "tsrec/boundary.hpp"

namespace tsrec::host {
namespace {

class GuardedReward final : public Guard<Reward> {
 public:
  using Guard::Guard;
  void prepare(const RewardInputs& inputs, Context& context) override {
    call("prepare()", [&] { made().prepare(inputs, context); });
  }
  torch::Tensor score(const Rollouts& rollouts) const override {
    return call("score()", [&] {
      const boundary::Untouched given = boundary::untouched(rollouts);
      torch::Tensor score_BG = made().score(rollouts);
      boundary::check_scores(score_BG, rollouts);
      given.check("score()", "the rollouts it is given");
      return score_BG;
    });
  }
};

}  // namespace

std::shared_ptr<Part> guarded_reward(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedReward>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
