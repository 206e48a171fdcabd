#include "tsrec/parts/quantizer.hpp"

#include "plugin/guarded/guards.hpp"
#include "plugin/guarded/steps.hpp"

namespace tsrec::host {
namespace {

constexpr const char* kGiven = "the vectors it is given";

class GuardedQuantizer : public Guard<Quantizer> {
 public:
  using Guard::Guard;
  void fit(const torch::Tensor& x_ND, Context& context) override {
    call("fit()", [&] {
      given_.emplace(std::vector<torch::Tensor>{x_ND});
      made().fit(x_ND, context);
      given_->check("fit()", kGiven);
    });
  }
  torch::Tensor encode(const torch::Tensor& x_ND) const override {
    return call("encode()", [&] {
      const boundary::Untouched given({x_ND});
      torch::Tensor code_NL = made().encode(x_ND);
      boundary::check_codes(code_NL, sizes(), x_ND.size(0));
      boundary::check_pure(made(), x_ND);
      given.check("encode()", kGiven);
      return code_NL;
    });
  }
  torch::Tensor decode(const torch::Tensor& code_NL) const override {
    return call("decode()", [&] {
      torch::Tensor x_ND = made().decode(code_NL);
      boundary::check_decoded(x_ND, code_NL.size(0));
      return x_ND;
    });
  }
  std::vector<int64_t> sizes() const override {
    return call("sizes()", [&] {
      std::vector<int64_t> sizes = made().sizes();
      boundary::check_sizes(sizes);
      return sizes;
    });
  }
  void save(ArtifactWriter& writer) const override {
    call("save()", [&] { made().save(writer); });
  }
  void load(const ArtifactReader& reader) override {
    call("load()", [&] { made().load(reader); });
  }

 protected:
  // Its steps work on what fit() was given.
  void look_at_made(const char* method) const {
    if (given_) given_->check(method, kGiven);
  }

 private:
  std::optional<boundary::Untouched> given_;
};

template <class Base>
class WithDistances : public Base, public HasDistances {
 public:
  using Base::Base;
  static bool is_of(const Part& part) {
    return dynamic_cast<const HasDistances*>(&part) != nullptr;
  }
  torch::Tensor distances(const torch::Tensor& x_ND, const torch::Tensor& code_NL,
                          int64_t level) const override {
    return this->call("distances()", [&] {
      torch::Tensor distance_NK =
          dynamic_cast<const HasDistances&>(this->made()).distances(x_ND, code_NL, level);
      boundary::check_distances(distance_NK, x_ND.size(0),
                                this->made().sizes().at(static_cast<size_t>(level)));
      return distance_NK;
    });
  }
};

}  // namespace

std::shared_ptr<Part> guarded_quantizer(std::shared_ptr<Part> made, Identity part) {
  return with_abilities<GuardedQuantizer, WithDistances, WithSteps>(std::move(made),
                                                                    std::move(part));
}

}  // namespace tsrec::host
