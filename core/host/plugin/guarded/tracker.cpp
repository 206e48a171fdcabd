#include "tsrec/parts/tracker.hpp"

#include "plugin/guarded/guard.hpp"
#include "plugin/guarded/guards.hpp"

namespace tsrec::host {
namespace {

class GuardedTracker final : public Guard<Tracker> {
 public:
  using Guard::Guard;
  void open(const TrackedRun& run) override {
    call("open()", [&] { made().open(run); });
  }
  void number(std::string_view stage, std::string_view name, double value, int64_t step) override {
    call("number()", [&] { made().number(stage, name, value, step); });
  }
  void close() override {
    call("close()", [&] { made().close(); });
  }
};

}  // namespace

std::shared_ptr<Part> guarded_tracker(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedTracker>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
