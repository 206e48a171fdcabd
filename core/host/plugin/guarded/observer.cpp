#include "tsrec/parts/observer.hpp"

#include "plugin/guarded/guard.hpp"
#include "plugin/guarded/guards.hpp"
#include "tsrec/boundary.hpp"

namespace tsrec::host {
namespace {

class GuardedObserver final : public Guard<Observer> {
 public:
  using Guard::Guard;
  void start(const ObserverInputs& inputs, Context& context) override {
    call("start()", [&] { made().start(inputs, context); });
  }
  std::optional<std::string> look(const TrainingStep& step, Context& context) override {
    return call("look()", [&] {
      std::optional<std::string> reason = made().look(step, context);
      boundary::check_reason(reason);
      return reason;
    });
  }
  void save_state(ArtifactWriter& writer) const override {
    call("save_state()", [&] { made().save_state(writer); });
  }
  void load_state(const ArtifactReader& reader) override {
    call("load_state()", [&] { made().load_state(reader); });
  }
};

}  // namespace

std::shared_ptr<Part> guarded_observer(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedObserver>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
