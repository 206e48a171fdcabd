#include "tsrec/parts/initializer.hpp"

#include "plugin/guarded/guard.hpp"
#include "plugin/guarded/guards.hpp"
#include "tsrec/boundary.hpp"

namespace tsrec::host {
namespace {

class GuardedInitializer final : public Guard<Initializer> {
 public:
  using Guard::Guard;
  NewRows rows(const InitializerInputs& inputs, Context& context) override {
    return call("rows()", [&] {
      const boundary::Untouched model({inputs.rows.input_VD, inputs.rows.output_VD});
      NewRows rows = made().rows(inputs, context);
      boundary::check_rows(rows, inputs.rows, static_cast<int64_t>(inputs.tokens.tokens().size()));
      model.check("rows()", "the model's rows");
      return rows;
    });
  }
};

}  // namespace

std::shared_ptr<Part> guarded_initializer(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedInitializer>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
