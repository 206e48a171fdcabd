#include "tsrec/parts/source.hpp"

#include "plugin/guarded/guard.hpp"
#include "plugin/guarded/guards.hpp"
#include "tsrec/boundary.hpp"

namespace tsrec::host {
namespace {

class GuardedSource final : public Guard<Source> {
 public:
  using Guard::Guard;
  Dataset load(Context& context) override {
    return call("load()", [&] {
      Dataset data = made().load(context);
      boundary::check_dataset(data);
      return data;
    });
  }
  std::optional<SidTable> sids(const Items& items, Context& context) override {
    return call("sids()", [&] {
      std::optional<SidTable> sids = made().sids(items, context);
      if (sids) boundary::check_sids(*sids, items.size(), "sids()");
      return sids;
    });
  }
};

}  // namespace

std::shared_ptr<Part> guarded_source(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedSource>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
