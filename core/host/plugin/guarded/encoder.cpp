#include "tsrec/parts/encoder.hpp"

#include "plugin/guarded/guard.hpp"
#include "plugin/guarded/guards.hpp"
#include "tsrec/boundary.hpp"

namespace tsrec::host {
namespace {

class GuardedEncoder final : public Guard<Encoder> {
 public:
  using Guard::Guard;
  torch::Tensor encode(const EncoderInputs& inputs, Context& context) override {
    return call("encode()", [&] {
      torch::Tensor x_ND = made().encode(inputs, context);
      boundary::check_vectors(x_ND, inputs.items.size());
      return x_ND;
    });
  }
};

}  // namespace

std::shared_ptr<Part> guarded_encoder(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedEncoder>(std::move(made), std::move(part));
}

}  // namespace tsrec::host
