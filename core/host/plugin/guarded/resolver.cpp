#include "tsrec/parts/resolver.hpp"

#include "plugin/guarded/guard.hpp"
#include "plugin/guarded/guards.hpp"
#include "tsrec/boundary.hpp"

namespace tsrec::host {
namespace {

class GuardedResolver final : public Guard<Resolver> {
 public:
  using Guard::Guard;
  SidTable resolve(const ResolverInputs& inputs, Context& context) override {
    return call("resolve()", [&] {
      const boundary::Untouched given({inputs.code_NL});
      SidTable sids = made().resolve(inputs, context);
      boundary::check_sids(sids, inputs.code_NL.size(0), "resolve()");
      given.check("resolve()", "the codes it is given");
      boundary::check_collisions(sids, inputs.code_NL);
      return sids;
    });
  }
};

}  // namespace

std::shared_ptr<Part> guarded_resolver(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedResolver>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
