#include "tsrec/parts/trainer.hpp"

#include "plugin/guarded/guards.hpp"
#include "plugin/guarded/steps.hpp"

namespace tsrec::host {
namespace {

class GuardedTrainer final : public GuardedSteps<Trainer>, public Guarded {
 public:
  GuardedTrainer(const std::shared_ptr<Part>& made, const Identity& part)
      : GuardedSteps(*steps_of(*made), part),
        Guarded(part),
        made_(std::static_pointer_cast<Trainer>(made)) {}
  void check_sids(const SidTable& sids) const override {
    in_call(identity(), "check_sids()", [&] { made_->check_sids(sids); });
  }
  void start(const TrainInputs& inputs, Context& context) override {
    in_call(identity(), "start()", [&] { made_->start(inputs, context); });
  }

 private:
  std::shared_ptr<Trainer> made_;
};

}  // namespace

std::shared_ptr<Part> guarded_trainer(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedTrainer>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
